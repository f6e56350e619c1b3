//! The money: charges, refunds, registered cards, the double-entry ledger.
//!
//! | module | holds |
//! |---|---|
//! | [`domain`] | the rules: every transition, what an answer of the provider means, shares, postings |
//! | [`provider`] | the edge to the payment provider, and Toss behind it |
//! | [`rpc`] | one file for each RPC |
//! | [`collect`] | getting the money: begin, call, conclude |
//! | [`give_back`] | refunds |
//! | [`keys`] | billing keys at rest |
//! | [`store`] | all SQL; what must be true of it: [`store::invariants`] |
//! | [`events`] | what is told and what is heard |
//! | [`jobs`], [`wakes`] | the workers and their bells |

pub mod collect;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod give_back;
pub mod jobs;
pub mod keys;
mod measures;
pub mod provider;
pub mod rpc;
pub mod store;

use std::sync::Arc;

use carshare_chassis::config::{Common, Redis};
use carshare_chassis::encryption::Sealer;
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Server, Shutdown, Environment};
use carshare_proto::payment::v1::payment_service_server::PaymentServiceServer;
use carshare_store::{Db, Relay, housekeeping, migrate};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;

pub use config::Config;

use crate::keys::BillingKeys;
use crate::provider::Provider;
use crate::provider::toss::TossClient;

/// The name of this service.
pub const NAME: &str = "payment";

/// The embedded defaults of its configuration.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Its tables, on top of the mechanisms of `carshare-store`.
pub fn migrator() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// What handlers and workers work with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The service's schema, and the environment.
    pub db: Db,
    /// The payment provider.
    pub provider: Arc<dyn Provider>,
    /// Billing keys at rest.
    pub keys: Arc<BillingKeys>,
    /// The workers' settings.
    pub worker: config::Worker,
}

impl App {
    /// Puts it together around a provider. Nothing is connected yet; the error is about the configuration.
    pub fn new(config: &Config, environment: Environment, provider: Arc<dyn Provider>) -> anyhow::Result<Self> {
        measures::describe();
        Ok(Self {
            keys: Arc::new(BillingKeys::new(Sealer::new(&config.seal, environment.random.clone())?)),
            db: Db::connect(&config.database, environment)?,
            provider,
            worker: config.worker.clone(),
        })
    }

    /// The time now, by the injected clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.db.environment().clock.now()
    }

    /// How long a worker has a row to itself.
    pub fn claim(&self) -> TimeDelta {
        TimeDelta::from_std(self.worker.claim()).unwrap_or(TimeDelta::MAX)
    }
}

/// The service, for `chassis::service::main`, the mesh and tests.
pub struct Payment;

impl Service for Payment {
    const NAME: &'static str = NAME;
    const DEFAULTS: &'static str = DEFAULTS;
    type Config = Config;
    type Command = carshare_store::Command;

    fn common(config: &Config) -> Common {
        config.common()
    }

    async fn serve(
        config: Config,
        environment: Environment,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        roles: Roles,
    ) -> anyhow::Result<()> {
        let provider = Arc::new(TossClient::new(&config.toss, environment.clone())?);
        let app = App::new(&config, environment, provider)?;
        serve(app, &config, listener, shutdown, roles).await
    }

    async fn migrate(config: Config) -> anyhow::Result<()> {
        migrate(&config.database, migrator()).await
    }

    async fn command(config: Config, _: Environment, command: Self::Command) -> anyhow::Result<()> {
        command.run(&config.redis, Self::NAME).await
    }
}

/// [`Payment::serve`] with the provider of `app`.
pub async fn serve(
    app: App,
    config: &Config,
    listener: Option<TcpListener>,
    shutdown: Shutdown,
    roles: Roles,
) -> anyhow::Result<()> {
    let worker = roles.worker.then(|| {
        let (app, redis) = (app.clone(), config.redis.clone());
        |drained| work(app, redis, drained)
    });
    let server = server(&app, &config.common());
    let served = server.serve_with_worker(worker, listener, shutdown).await;
    app.db.close().await;
    served
}

fn server(app: &App, common: &Common) -> Server {
    let db = app.db.clone();
    Server::new(NAME, common, app.db.environment().clone())
        .add(PaymentServiceServer::new(rpc::Rpc { app: app.clone() }))
        .readiness("postgres", move || {
            let db = db.clone();
            async move { Ok(db.ping().await?) }
        })
}

/// Sends and handles events, charges and refunds, removes what has expired.
async fn work(app: App, redis: Redis, shutdown: Shutdown) {
    tokio::join!(
        Relay::new(&app.db, &redis, NAME).run(shutdown.clone()),
        events::consumer(&app, &redis).run(shutdown.clone()),
        jobs::run(app.clone(), shutdown.clone()),
        housekeeping(&app.db, shutdown.clone()),
    );
}
