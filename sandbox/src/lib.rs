//! Toss, Kakao and FCM as real servers for development and tests: one port, a prefix each, wire-accurate as far as our
//! clients can see, with fault switches. State lives in memory; time and chance are injected.
//!
//! - [`toss`](toss::cards): payments, cancels, billing keys, webhooks; browser windows as private calls
//! - `kakao`: address search and reverse geocoding over embedded addresses
//! - `fcm`: token endpoint, `messages:send`, inbox
//! - [`faults`]: the next calls are slow, fail, or lose their answer

#![warn(missing_docs)]

mod config;
pub mod faults;
mod fcm;
mod html;
mod index;
mod kakao;
mod kst;
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

/// A running sandbox. Dropping it stops it; [`Sandbox::shutdown`] also waits.
pub struct Sandbox {
    app: App,
    addr: SocketAddr,
    shutdown: Shutdown,
    server: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Serves on `listener` until told to stop. Fails when the state file is unreadable.
    pub async fn start(
        config: Config,
        environment: Environment,
        listener: TcpListener,
    ) -> anyhow::Result<Self> {
        let addr = listener.local_addr()?;
        let public_url = config.public_url.clone().unwrap_or_else(|| url_of(addr));
        let shutdown = Shutdown::new();
        let account = Account::create(&config.fcm_project_id).await?;
        let webhooks = Webhooks::new(&config, shutdown.clone())?;
        let ledger = config
            .state_path
            .as_deref()
            .map(Ledger::load)
            .transpose()?
            .unwrap_or_default();
        let public_url = public_url.trim_end_matches('/').to_owned();
        let app = App::new(config, public_url, environment, account, webhooks, ledger);
        let server = task::spawn("sandbox", serve::run(listener, router(&app), shutdown.clone()));
        Ok(Self {
            app,
            addr,
            shutdown,
            server: Some(server),
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How clients reach it, without a trailing slash. Base URLs are this plus `/toss`, `/kakao` and `/fcm`.
    pub fn url(&self) -> &str {
        &self.app.public_url
    }

    /// The service account file of the FCM client; its `token_uri` leads here.
    pub fn service_account_json(&self) -> Value {
        self.app.account.json(&self.app.public_url)
    }

    /// Where payment webhooks go from now on, retries of earlier ones too.
    pub fn set_webhook_url(&self, url: Option<String>) {
        self.app.webhooks.set_url(url);
    }

    /// Sets a fault switch.
    pub fn inject(&self, fault: Fault) {
        self.app.faults().inject(fault);
    }

    /// Removes all fault switches.
    pub fn clear_faults(&self) {
        self.app.faults().clear();
    }

    /// The switches that have hits left.
    pub fn faults(&self) -> Vec<Fault> {
        self.app.faults().list()
    }

    /// All Toss payments, oldest first.
    pub fn payments(&self) -> Vec<Payment> {
        self.app.ledger().payments()
    }

    /// All webhooks, oldest first.
    pub fn webhooks(&self) -> Vec<Delivery> {
        self.app.webhooks.deliveries()
    }

    /// All pushes FCM accepted, oldest first.
    pub fn pushes(&self) -> Vec<Push> {
        self.app.inbox().list()
    }

    /// Makes all FCM access tokens worthless, as if their hour had passed.
    pub fn revoke_access_tokens(&self) {
        self.app.access_tokens().revoke_all();
    }

    /// Requests that reached a provider's own API, oldest first, faulty ones too.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.app.requests().list()
    }

    /// How many requests to `provider` had `path_contains` in their path.
    pub fn request_count(&self, provider: Provider, path_contains: &str) -> usize {
        self.app.requests().count(provider, path_contains)
    }

    /// Requests to providers that are being answered: a test that moves the clock far waits until there are none, for no
    /// real request takes a quarter of an hour.
    pub fn running(&self) -> usize {
        self.app.running.load(Ordering::SeqCst)
    }

    /// Waits until the server has ended, which it does only when told to.
    pub async fn wait(&mut self) {
        if let Some(server) = self.server.take() {
            // A panic was reported by the task already.
            let _ = server.await;
        }
    }

    /// Stops accepting, gives open requests a second, and returns when all is closed.
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

/// How this machine reaches a listener; one on all addresses is reached by name.
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
        .merge(faults::admin::router())
        .nest("/kakao", kakao::router(app))
        .nest("/toss", toss::router(app))
        .nest("/fcm", fcm::router(app))
        .with_state(app.clone())
}
