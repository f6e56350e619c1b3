//! Servers with the APIs of Toss Payments, Kakao Local and Firebase Cloud Messaging on one port, and an SMTP server on another, for
//! development and tests.
//! State is in memory; clock, ids and randomness are injected.
//!
//! - [`toss`](toss::cards): payments, cancels, billing keys, webhooks, and endpoints in place of the browser windows
//! - `kakao`: address search and reverse geocoding over embedded addresses
//! - `fcm`: token endpoint, `messages:send`, inbox
//! - `mail`: SMTP server, inbox
//! - `clock`: the time of the mesh, and a call that advances it
//! - [`faults`]: delays, errors and lost replies for the next requests

#![warn(missing_docs)]

mod clock;
mod config;
pub mod faults;
mod fcm;
mod html;
mod index;
mod kakao;
mod kst;
mod mail;
mod process;
mod request_log;
mod serve;
mod state;
pub mod toss;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::routing::get;
use carshare_chassis::Environment;
use carshare_chassis::task::{self, Shutdown};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::config::Config;
pub use self::faults::{Fault, Provider};
pub use self::fcm::inbox::Push;
pub use self::mail::inbox::Mail;
pub use self::process::{Process, ProcessConfig};
pub use self::request_log::RequestRecord;
pub use self::toss::cards::{GOOD_CARD, MAGIC_CARDS, declining_card};
pub use self::toss::payment::{
    Cancel, Card, Failure, Kind as PaymentKind, Link, Payment, Status as PaymentStatus,
};
pub use self::toss::webhook::Delivery;

use self::fcm::account::Account;
use self::state::App;
use self::toss::ledger::Ledger;
use self::toss::webhook::Webhooks;

/// A running sandbox. Dropping it stops it; [`Sandbox::shutdown`] also waits for its end.
pub struct Sandbox {
    app: App,
    addr: SocketAddr,
    shutdown: Shutdown,
    server: Option<JoinHandle<()>>,
}

/// Generates a service account for clients that reach the sandbox at `public_url`: the JSON of the setting `fcm_service_account`.
pub async fn generate_service_account(public_url: &str) -> anyhow::Result<Value> {
    Ok(Account::of(&Config::default()).await?.json(public_url))
}

impl Sandbox {
    /// Starts serving on `listener`. Fails if the state file cannot be read.
    pub async fn start(
        config: Config,
        environment: Environment,
        listener: TcpListener,
    ) -> anyhow::Result<Self> {
        let addr = listener.local_addr()?;
        let smtp = TcpListener::bind((addr.ip(), config.smtp_port)).await?;
        let smtp_addr = smtp.local_addr()?;
        let public_url = config.public_url.clone().unwrap_or_else(|| url_of(addr));
        let shutdown = Shutdown::new();
        let account = Account::of(&config).await?;
        let webhooks = Webhooks::new(&config, shutdown.clone())?;
        let ledger = config
            .state_path
            .as_deref()
            .map(Ledger::load)
            .transpose()?
            .unwrap_or_default();
        let public_url = public_url.trim_end_matches('/').to_owned();
        let app = App::new(
            config,
            public_url,
            smtp_addr,
            environment,
            account,
            webhooks,
            ledger,
        );
        task::spawn(
            "sandbox.smtp.listener",
            mail::smtp::run(smtp, app.clone(), shutdown.clone()),
        );
        let server = task::spawn("sandbox", serve::run(listener, router(&app), shutdown.clone()));
        Ok(Self {
            app,
            addr,
            shutdown,
            server: Some(server),
        })
    }

    /// Returns the address of the listener.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the URL for clients, without a trailing slash. The base URLs of the providers end in `/toss`, `/kakao` and `/fcm`.
    pub fn url(&self) -> &str {
        &self.app.public_url
    }

    /// Returns the address of the SMTP server.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.app.smtp_addr
    }

    /// Returns the service account file for FCM clients. Its `token_uri` is an endpoint of the sandbox.
    pub fn service_account_json(&self) -> Value {
        self.app.account.json(&self.app.public_url)
    }

    /// Sets the URL for payment webhooks, including retries of earlier ones.
    pub fn set_webhook_url(&self, url: Option<String>) {
        self.app.webhooks.set_url(url);
    }

    /// Injects a fault into the next matching requests.
    pub fn inject(&self, fault: Fault) {
        self.app.faults().inject(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.app.faults().clear();
    }

    /// Returns the faults that have requests left.
    pub fn faults(&self) -> Vec<Fault> {
        self.app.faults().list()
    }

    /// Returns all Toss payments, oldest first.
    pub fn payments(&self) -> Vec<Payment> {
        self.app.ledger().payments()
    }

    /// Returns all webhooks, oldest first.
    pub fn webhooks(&self) -> Vec<Delivery> {
        self.app.webhooks.deliveries()
    }

    /// Returns the messages that FCM has accepted, oldest first.
    pub fn pushes(&self) -> Vec<Push> {
        self.app.inbox().list()
    }

    /// Returns the mails that the SMTP server has accepted, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.app.mails().list()
    }

    /// Revokes all FCM access tokens.
    pub fn revoke_access_tokens(&self) {
        self.app.access_tokens().revoke_all();
    }

    /// Returns the requests to the providers' APIs, oldest first, including those with injected faults.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.app.requests().list()
    }

    /// Returns the number of requests to `provider` with `path_contains` in their path.
    pub fn request_count(&self, provider: Provider, path_contains: &str) -> usize {
        self.app.requests().count(provider, path_contains)
    }

    /// Returns the number of requests in progress. A test that advances the clock by minutes first waits until there are none,
    /// because no real request takes that long.
    pub fn running(&self) -> usize {
        self.app.running.load(Ordering::SeqCst)
    }

    /// Waits until the server has stopped.
    pub async fn wait(&mut self) {
        if let Some(server) = self.server.take() {
            // The task has already reported a panic.
            let _ = server.await;
        }
    }

    /// Stops accepting connections, waits up to a second for open requests, and closes all connections.
    pub async fn shutdown(mut self) {
        self.shutdown.trigger();
        self.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// Returns the URL of a listener on this machine; `localhost` if it listens on all addresses.
fn url_of(addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        return format!("http://localhost:{}", addr.port());
    }
    format!("http://{addr}")
}

fn router(app: &App) -> Router {
    Router::new()
        .route("/", get(index::page))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(|| async { "ok" }))
        .merge(clock::router())
        .merge(faults::admin::router())
        .merge(faults::page::router())
        .merge(toss::pages::router())
        .nest("/kakao", kakao::router(app))
        .nest("/toss", toss::router(app))
        .nest("/fcm", fcm::router(app))
        .nest("/mail", mail::router())
        .with_state(app.clone())
}
