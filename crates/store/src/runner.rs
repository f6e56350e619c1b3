//! Runs a service that has a schema: readiness, relay, consumer, jobs, housekeeping, migrations, operator commands and the
//! order in which they stop.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use carshare_chassis::client::{self, PeerChannel};
use carshare_chassis::config::{Common, Peer, Redis, ServiceConfig};
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Environment, Server, Shutdown};
use carshare_proto::event_log::v1::event_log_service_server::EventLogServiceServer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;

use crate::cli::Command;
use crate::config::Database;
use crate::consumer::Consumer;
use crate::db::Db;
use crate::event_log::EventLog;
use crate::housekeeping::housekeeping;
use crate::migrate::migrate;
use crate::relay::Relay;

/// What a service adds to [`Runner`]: its state, routes, event handlers and jobs.
pub trait StoreService: Send + Sync + 'static {
    /// Name of the service: `booking`. Also its consumer group, its stream and the prefix of its environment variables.
    const NAME: &'static str;
    /// The embedded `config.default.toml`.
    const DEFAULTS: &'static str;
    /// Expired rows of the service's tables, deleted every ten minutes: a table and a condition, in which `$1` is the time. The
    /// service's README gives the reason of each retention.
    const EXPIRED: &'static [(&'static str, &'static str)] = &[];
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

    /// Returns the `[publishers]` section: the services whose events are consumed, by name, to read their event logs.
    fn publishers(config: &Self::Config) -> BTreeMap<String, Peer> {
        let _ = config;
        BTreeMap::new()
    }

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

/// How a service sends and receives events.
pub struct EventTransport {
    /// The fast transport.
    pub redis: Redis,
    /// Channels to the services whose event logs are read, by name. Without a channel, what Redis loses is lost: only for
    /// tests in which no publisher runs.
    pub publishers: Vec<(&'static str, PeerChannel)>,
}

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
    /// Runs the service with the given state until `shutdown`: see [`Service::serve`]. Background work begins, and the process gets
    /// ready, when the database is reachable. A missing migration of this release ends the process, as a clock that is minutes off does.
    ///
    /// At shutdown the server drains first, then the workers stop (the relay last sends what the drained calls published),
    /// then the connections close.
    pub async fn serve_app(
        app: S::App,
        common: &Common,
        events: EventTransport,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        roles: Roles,
    ) -> anyhow::Result<()> {
        let db = S::db(&app).clone();
        let has_schema = Arc::new(AtomicBool::new(false));
        let checked = Arc::clone(&has_schema);
        let server = S::routes(&app, Self::server(common, &db, &events.redis)?)?
            .readiness("schema", move || ready(is_checked(&checked)));
        let (clock, measured, announcing) = (db.clone(), db.clone(), db.clone());
        let background = |drained: Shutdown| async move {
            // On an older schema events would fail and become dead letters.
            if !clock.has_schema(&S::migrator(), &drained).await? {
                return Ok(());
            }
            clock.check_start_clock().await?;
            has_schema.store(true, Ordering::Relaxed);
            let always = async {
                tokio::join!(
                    S::background(app.clone(), roles, drained.clone()),
                    clock.follow_database_clock(drained.clone()),
                    measured.measure_backlog(S::NAME, drained.clone()),
                )
            };
            if roles.worker {
                tokio::join!(always, Self::work(app.clone(), events, drained.clone()));
            } else {
                tokio::join!(always, announcing.announce_events(drained.clone()));
            }
            Ok(())
        };
        let served = server
            .serve_with_worker(Some(background), listener, shutdown)
            .await;
        db.close().await;
        served
    }

    /// Opens channels to the services whose events are consumed.
    fn publishers(
        config: &ServiceConfig<S::Config>,
        environment: &Environment,
    ) -> anyhow::Result<Vec<(&'static str, PeerChannel)>> {
        let ServiceConfig { common, service, .. } = config;
        let peers = S::publishers(service);
        // Only the names are read here; nothing connects.
        let db = Db::connect(S::database(service), environment.clone())?;
        S::handlers(Consumer::new(&db, S::redis(service), S::NAME))
            .sources()
            .map(|source| {
                let peer = peers
                    .get(source)
                    .with_context(|| format!("publishers.{source} is not set: its events are consumed"))?;
                let channel = client::connect(source, peer, &common.tls, environment.clone())?;
                Ok((source, channel))
            })
            .collect()
    }

    /// Returns the server with the event log, the check of revoked tokens and the readiness checks of the database.
    fn server(common: &Common, db: &Db, redis: &Redis) -> anyhow::Result<Server> {
        let (writable, clock) = (db.clone(), db.clone());
        let server = Server::new(S::NAME, common, db.environment().clone())
            .add(EventLogServiceServer::new(EventLog { db: db.clone() }))
            .readiness("postgres", move || {
                let db = writable.clone();
                async move { Ok(db.check_ready().await?) }
            })
            .readiness("clock", move || std::future::ready(clock.check_clock()));
        server.revocations(redis)
    }

    /// Relays and consumes events, runs jobs and removes expired rows until `shutdown`.
    async fn work(app: S::App, events: EventTransport, shutdown: Shutdown) {
        let db = S::db(&app).clone();
        // Due times are PostgreSQL's; the first comparison is retried with the others when it fails.
        db.check_ready().await.ok();
        let mut consumer = S::handlers(Consumer::new(&db, &events.redis, S::NAME));
        for (source, channel) in events.publishers {
            consumer = consumer.publisher(source, channel);
        }
        tokio::join!(
            Relay::new(&db, &events.redis, S::NAME).run(shutdown.clone()),
            consumer.run(shutdown.clone()),
            S::jobs(app, shutdown.clone()),
            housekeeping(&db, S::EXPIRED, shutdown),
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
        let common = config.common.clone();
        let events = EventTransport {
            redis: S::redis(&config.service).clone(),
            publishers: Self::publishers(&config, &environment)?,
        };
        let url_file = config.files.get("database.url").cloned();
        let app = S::app(config, environment)?;
        S::db(&app).reload_url_from(url_file);
        Self::serve_app(app, &common, events, listener, shutdown, roles).await
    }

    fn check(config: ServiceConfig<S::Config>, environment: Environment) -> anyhow::Result<()> {
        Self::publishers(&config, &environment)?;
        S::app(config, environment).map(drop)
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
            Commands::Store(command) => {
                let db = Db::connect(S::database(&config.service), environment)?;
                command.run(&db).await
            }
            Commands::Service(command) => S::command(config, environment, command).await,
        }
    }
}

fn is_checked(has_schema: &AtomicBool) -> anyhow::Result<()> {
    anyhow::ensure!(has_schema.load(Ordering::Relaxed), "not checked yet");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{backlog, clock_sync, consumer, relay};

    /// Publishers that each service reads: auth, vehicle, booking, payment and notification.
    const SOURCES: [usize; 5] = [0, 2, 3, 1, 4];

    #[test]
    fn idle_fleet_executes_fewer_than_two_statements_a_second() {
        let own = [
            relay::POLL_INTERVAL,
            clock_sync::INTERVAL,
            backlog::MEASURE_INTERVAL,
        ]
        .map(|interval| 1.0 / interval.as_secs_f64());
        let of_service = |sources: &usize| {
            let consumer = if *sources > 0 {
                consumer::idle_statements(*sources)
            } else {
                0.0
            };
            own.iter().sum::<f64>() + consumer
        };
        let fleet: f64 = SOURCES.iter().map(of_service).sum();
        assert!(fleet < 2.0, "{fleet} statements a second");
    }
}
