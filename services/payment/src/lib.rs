//! The payment service: charges, refunds, registered cards, settlements of hosts and the double-entry ledger.
//!
//! | module | content |
//! |---|---|
//! | [`domain`] | business rules: state transitions, decisions about provider results, fees, postings |
//! | [`provider`] | interface to the payment provider, and its implementation for Toss Payments |
//! | [`rpc`] | one file per RPC |
//! | [`charge`] | capturing a payment: begin an attempt, call the provider, apply the result |
//! | [`refund`] | refunding a payment |
//! | [`settlement`] | settling hosts, and recording how they were paid |
//! | [`provider_facts`] | recording captures and cancels reported by the provider |
//! | [`billing_keys`] | encryption of billing keys |
//! | [`cli`] | command `reseal` |
//! | [`store`] | tables, SQL and [invariants](store::invariants) |
//! | [`events`] | event handlers and published events |
//! | [`jobs`] | background work |

pub mod billing_key_removal;
pub mod billing_keys;
pub mod charge;
pub mod cli;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod jobs;
mod metrics;
pub mod provider;
pub mod provider_facts;
pub mod refund;
mod refund_requests;
pub mod rpc;
pub mod settlement;
pub mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use carshare_chassis::config::{Peer, Redis, ServiceConfig};
use carshare_chassis::encryption::Sealer;
use carshare_chassis::{Environment, Server, Shutdown};
use carshare_proto::payment::v1::payment_service_server::PaymentServiceServer;
use carshare_proto::payment::v1::settlement_service_server::SettlementServiceServer;
use carshare_store::config::Database;
use carshare_store::{Consumer, Db, StoreService};
use chrono::{DateTime, Utc};
use sqlx::migrate::Migrator;
use tonic::codec::CompressionEncoding;

pub use config::Config;

use crate::billing_keys::BillingKeys;
use crate::provider::Provider;
use crate::provider::toss::TossClient;

/// Name of the service.
pub const NAME: &str = "payment";

/// The embedded `config.default.toml`.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Returns the migrations of the service's tables.
pub fn migrator() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// State of handlers and jobs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub provider: Arc<dyn Provider>,
    pub billing_keys: Arc<BillingKeys>,
    pub worker: config::Worker,
    pub reconciliation: config::Reconciliation,
    pub settlement: config::Settlement,
}

impl App {
    /// Builds the state. Nothing is connected yet; an error is one of the configuration.
    pub fn new(
        config: &Config,
        environment: Environment,
        provider: Arc<dyn Provider>,
    ) -> anyhow::Result<Self> {
        metrics::describe();
        let sealer = Sealer::new(&config.seal, environment.random.clone())?;
        Ok(Self {
            billing_keys: Arc::new(BillingKeys::new(sealer)),
            db: Db::connect(&config.database, environment)?,
            provider,
            worker: config.worker.clone(),
            reconciliation: config.reconciliation.clone(),
            settlement: config.settlement.clone(),
        })
    }

    /// Returns the time of the injected clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.db.environment().clock.now()
    }
}

/// The service, for [`carshare_store::Runner`].
pub struct Payment;

impl StoreService for Payment {
    const NAME: &'static str = NAME;
    const DEFAULTS: &'static str = DEFAULTS;
    /// The provider repeats a webhook for some days at most; the id of an older one recognises nothing.
    const EXPIRED: &'static [(&'static str, &'static str)] =
        &[("webhook_deliveries", "received_at < $1 - interval '30 days'")];
    type Config = Config;
    type App = App;
    type Command = cli::Command;

    fn database(config: &Config) -> &Database {
        &config.database
    }

    fn redis(config: &Config) -> &Redis {
        &config.redis
    }

    fn publishers(config: &Config) -> BTreeMap<String, Peer> {
        config.publishers.clone()
    }

    fn migrator() -> Migrator {
        migrator()
    }

    fn app(config: ServiceConfig<Config>, environment: Environment) -> anyhow::Result<App> {
        let provider = Arc::new(TossClient::new(&config.service.toss, environment.clone())?);
        App::new(&config.service, environment, provider)
    }

    fn db(app: &App) -> &Db {
        &app.db
    }

    fn routes(app: &App, server: Server) -> anyhow::Result<Server> {
        let rpc = rpc::Rpc { app: app.clone() };
        let payments = PaymentServiceServer::new(rpc.clone()).accept_compressed(CompressionEncoding::Gzip);
        let settlements = SettlementServiceServer::new(rpc).accept_compressed(CompressionEncoding::Gzip);
        Ok(server.add(payments).add(settlements))
    }

    fn handlers(consumer: Consumer) -> Consumer {
        events::handlers(consumer)
    }

    async fn jobs(app: App, shutdown: Shutdown) {
        jobs::run(&app, shutdown).await;
    }

    async fn command(
        config: ServiceConfig<Config>,
        environment: Environment,
        command: cli::Command,
    ) -> anyhow::Result<()> {
        cli::handle(&config.service, environment, command).await
    }
}
