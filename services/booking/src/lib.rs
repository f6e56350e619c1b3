//! Bookings: their states, their price, their course from request to return.
//!
//! | module | holds |
//! |---|---|
//! | [`domain`] | the rules: every transition, price, refund |
//! | [`rpc`] | one file for each RPC |
//! | [`hold`] | holding a car at the vehicle service |
//! | [`record`] | writing a change down: row, history, event |
//! | [`store`] | all SQL |
//! | [`events`] | what is told and what is heard |
//! | [`jobs`] | timers |
//! | [`config`], [`error`] | what the names say |

pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod hold;
pub mod jobs;
pub mod record;
pub mod rpc;
pub mod store;

use std::sync::Arc;

use carshare_chassis::config::Common;
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Server, Shutdown, Environment, client};
use carshare_proto::booking::v1::booking_service_server::BookingServiceServer;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_store::{Db, Relay, housekeeping, migrate};
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;

pub use config::Config;

/// The name of this service.
pub const NAME: &str = "booking";

/// The embedded defaults of its configuration.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Its tables, on top of the mechanisms of `carshare-store`.
pub fn migrator() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The service's schema.
    pub db: Db,
    /// Clock, ids, randomness.
    pub environment: Environment,
    /// The service that knows whether a car is free.
    pub vehicle: VehicleServiceClient<client::PeerChannel>,
    /// What is configured.
    pub config: Arc<Config>,
}

impl App {
    /// Puts it together. Nothing is connected yet; the error is about the configuration.
    pub fn new(config: Config, environment: Environment) -> anyhow::Result<Self> {
        let channel = client::connect("vehicle", &config.vehicle, &config.tls, environment.clone())?;
        let db = Db::connect(&config.database, environment.clone())?;
        Ok(Self {
            db,
            environment,
            vehicle: VehicleServiceClient::new(channel),
            config: Arc::new(config),
        })
    }
}

/// The service, for `chassis::service::main`, the mesh and tests.
pub struct Booking;

impl Service for Booking {
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
        let app = App::new(config, environment)?;
        let worker = roles.worker.then(|| {
            let app = app.clone();
            |drained| work(app, drained)
        });
        let served = server(&app).serve_with_worker(worker, listener, shutdown).await;
        app.db.close().await;
        served
    }

    async fn migrate(config: Config) -> anyhow::Result<()> {
        migrate(&config.database, migrator()).await
    }

    async fn command(config: Config, _: Environment, command: Self::Command) -> anyhow::Result<()> {
        command.run(&config.redis, Self::NAME).await
    }
}

fn server(app: &App) -> Server {
    let db = app.db.clone();
    Server::new(NAME, &app.config.common(), app.environment.clone())
        .add(BookingServiceServer::new(rpc::Rpc { app: app.clone() }))
        .readiness("postgres", move || {
            let db = db.clone();
            async move { Ok(db.ping().await?) }
        })
}

/// Sends and handles events, runs the timers, removes what has expired.
async fn work(app: App, shutdown: Shutdown) {
    tokio::join!(
        Relay::new(&app.db, &app.config.redis, NAME).run(shutdown.clone()),
        events::run(&app, shutdown.clone()),
        jobs::run(&app, shutdown.clone()),
        housekeeping(&app.db, shutdown.clone()),
    );
}
