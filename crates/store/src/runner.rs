//! Runs a service that has a schema: readiness, relay, consumer, jobs, housekeeping, migrations, operator commands and the
//! order in which they stop.

use std::future::{Future, ready};
use std::marker::PhantomData;

use carshare_chassis::config::{Common, Redis, ServiceConfig};
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Environment, Server, Shutdown};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;

use crate::cli::Command;
use crate::config::Database;
use crate::consumer::Consumer;
use crate::db::Db;
use crate::housekeeping::housekeeping;
use crate::migrate::migrate;
use crate::relay::Relay;

/// What a service adds to [`Runner`]: its state, routes, event handlers and jobs.
pub trait StoreService: Send + Sync + 'static {
    /// Name of the service: `booking`. Also its consumer group, its stream and the prefix of its environment variables.
    const NAME: &'static str;
    /// The embedded `config.default.toml`.
    const DEFAULTS: &'static str;
    /// The service's configuration.
    type Config: DeserializeOwned + Serialize + Send + Sync + 'static;
    /// State of handlers and jobs. Cheap to clone.
    type App: Clone + Send + Sync + 'static;
    /// Subcommands besides those of [`Command`]; [`carshare_chassis::service::NoCommand`] when there are none.
    type Command: clap::Subcommand + Send;

    /// Returns the `[database]` section.
    fn database(config: &Self::Config) -> &Database;

    /// Returns the `[redis]` section.
    fn redis(config: &Self::Config) -> &Redis;

    /// Returns the migrations of the service's own tables.
    fn migrator() -> Migrator;

    /// Builds the state. Nothing is connected yet; an error is one of the configuration.
    fn app(config: ServiceConfig<Self::Config>, environment: Environment) -> anyhow::Result<Self::App>;

    /// Returns the database of the state.
    fn db(app: &Self::App) -> &Db;

    /// Adds the gRPC services, and readiness checks besides the database's.
    fn routes(app: &Self::App, server: Server) -> anyhow::Result<Server>;

    /// Adds the event handlers.
    fn handlers(consumer: Consumer) -> Consumer {
        consumer
    }

    /// Runs the jobs of workers until `shutdown`; work that has begun is finished.
    fn jobs(app: Self::App, shutdown: Shutdown) -> impl Future<Output = ()> + Send {
        let _ = app;
        async move { shutdown.cancelled().await }
    }

    /// Runs what every process of the service needs, workers and `serve --no-worker` alike, until `shutdown`.
    fn background(app: Self::App, roles: Roles, shutdown: Shutdown) -> impl Future<Output = ()> + Send {
        let _ = (app, roles);
        async move { shutdown.cancelled().await }
    }

    /// Runs one of [`StoreService::Command`].
    fn command(
        config: ServiceConfig<Self::Config>,
        environment: Environment,
        command: Self::Command,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        let _ = (config, environment, command);
        ready(Err(anyhow::anyhow!("there is no such command")))
    }
}

/// Implements [`Service`] for a [`StoreService`]: `service::main::<Runner<Booking>>()`.
pub struct Runner<S>(PhantomData<S>);

/// The subcommands of a service with a schema.
#[derive(clap::Subcommand)]
pub enum Commands<C: clap::Subcommand> {
    /// Those of the event consumer.
    #[command(flatten)]
    Store(Command),
    /// Those of the service.
    #[command(flatten)]
    Service(C),
}

impl<S: StoreService> Runner<S> {
    /// Runs the service with the given state until `shutdown`: see [`Service::serve`].
    ///
    /// At shutdown the server drains first, then the workers stop (the relay last sends what the drained calls published),
    /// then the connections close.
    pub async fn serve_app(
        app: S::App,
        common: &Common,
        redis: &Redis,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        roles: Roles,
    ) -> anyhow::Result<()> {
        let db = S::db(&app).clone();
        let checked = db.clone();
        let server =
            Server::new(S::NAME, common, db.environment().clone()).readiness("postgres", move || {
                let db = checked.clone();
                async move { Ok(db.ping().await?) }
            });
        let server = S::routes(&app, server)?;
        let redis = redis.clone();
        let background = |drained: Shutdown| async move {
            let always = S::background(app.clone(), roles, drained.clone());
            if roles.worker {
                tokio::join!(always, Self::work(app, redis, drained));
            } else {
                always.await;
            }
        };
        let served = server
            .serve_with_worker(Some(background), listener, shutdown)
            .await;
        db.close().await;
        served
    }

    /// Relays and consumes events, runs jobs and removes expired rows until `shutdown`.
    async fn work(app: S::App, redis: Redis, shutdown: Shutdown) {
        let db = S::db(&app).clone();
        let consumer = S::handlers(Consumer::new(&db, &redis, S::NAME));
        tokio::join!(
            Relay::new(&db, &redis, S::NAME).run(shutdown.clone()),
            consumer.run(shutdown.clone()),
            S::jobs(app, shutdown.clone()),
            housekeeping(&db, shutdown),
        );
    }
}

impl<S: StoreService> Service for Runner<S> {
    const NAME: &'static str = S::NAME;
    const DEFAULTS: &'static str = S::DEFAULTS;
    type Config = S::Config;
    type Command = Commands<S::Command>;

    async fn serve(
        config: ServiceConfig<S::Config>,
        environment: Environment,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        roles: Roles,
    ) -> anyhow::Result<()> {
        let (common, redis) = (config.common.clone(), S::redis(&config.service).clone());
        let app = S::app(config, environment)?;
        Self::serve_app(app, &common, &redis, listener, shutdown, roles).await
    }

    async fn migrate(config: ServiceConfig<S::Config>) -> anyhow::Result<()> {
        migrate(S::database(&config.service), S::migrator()).await
    }

    async fn command(
        config: ServiceConfig<S::Config>,
        environment: Environment,
        command: Commands<S::Command>,
    ) -> anyhow::Result<()> {
        match command {
            Commands::Store(command) => command.run(S::redis(&config.service), S::NAME).await,
            Commands::Service(command) => S::command(config, environment, command).await,
        }
    }
}
