//! Test harness: a migrated database, an empty Redis and a manual clock at noon.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use carshare_chassis::client::{self, PeerChannel};
use carshare_chassis::config::{Common, Peer, Redis, ServiceConfig, Tls};
use carshare_chassis::service::{NoCommand, Roles};
use carshare_chassis::task::{Shutdown, spawn};
use carshare_chassis::{Environment, Error as ChassisError, ManualClock, Server};
use carshare_proto::auth::v1::UserUpdated;
use carshare_store::{Consumer, Db, EventMetadata, EventTransport, Relay, Runner, StoreService, Tx, config};
use carshare_testkit::{Database, redis_url};
use redis::aio::MultiplexedConnection;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement, Value};
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Upper bound of every wait; generous for a loaded machine.
pub const TIMEOUT: Duration = Duration::from_secs(20);

pub struct Harness {
    pub db: Db,
    pub redis: Redis,
    pub clock: ManualClock,
    pub config: config::Database,
    /// Dropping it removes the database.
    pub database: Database,
}

pub async fn migrate(url: String) -> Result<()> {
    carshare_store::migrate(&config::Database::at(url), sqlx::migrate!("tests/migrations")).await
}

impl Harness {
    pub async fn new() -> Self {
        let database = Database::create("store_test", migrate).await;
        let config = config::Database::at(database.url());
        let (environment, clock) = environment(1);
        let db = Db::connect(&config, environment).unwrap();
        Harness {
            db,
            redis: Redis::at(redis_url().await),
            clock,
            config,
            database,
        }
    }
}

/// An environment whose clock starts at noon. Seeds differ between processes, as their ids do.
pub fn environment(seed: u64) -> (Environment, ManualClock) {
    Environment::manual("2026-11-22T12:00:00Z".parse().unwrap(), seed)
}

impl Harness {
    /// Another process of the same service.
    pub fn replica(&self, seed: u64) -> Db {
        let (environment, _) = environment(seed);
        Db::connect(&self.config, environment).unwrap()
    }

    /// Serves the event log of the database, as the service `auth` does.
    pub async fn event_log(&self) -> EventLogServer {
        EventLogServer::start(self.replica(77)).await
    }

    pub fn relay(&self) -> Running {
        let relay = Relay::new(&self.db, &self.redis, "auth");
        Running::start(|shutdown| relay.run(shutdown))
    }

    /// A connection to the test's Redis.
    pub async fn redis(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.redis.url.expose()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    pub async fn notes_of(&self, key: &str) -> Vec<String> {
        notes(
            &self.db,
            "SELECT note FROM effects WHERE key = $1 ORDER BY id",
            key,
        )
        .await
    }

    pub async fn notes(&self) -> Vec<String> {
        notes(&self.db, "SELECT note FROM effects WHERE $1 = $1 ORDER BY id", "").await
    }
}

pub async fn notes(db: &Db, sql: &str, key: &str) -> Vec<String> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [key.into()]);
    // While PostgreSQL is unreachable nothing can be read.
    let rows = db.conn().query_all_raw(statement).await.unwrap_or_default();
    rows.iter().map(|row| row.try_get("", "note").unwrap()).collect()
}

/// The service `auth`, as far as it serves its event log.
pub struct EventLogServer {
    address: SocketAddr,
    running: Running,
}

/// The service whose event log is served: it has no configuration, routes or work of its own.
struct Publisher;

impl StoreService for Publisher {
    const NAME: &'static str = "auth";
    const DEFAULTS: &'static str = "";
    type Config = (config::Database, Redis);
    type App = Db;
    type Command = NoCommand;

    fn database(config: &Self::Config) -> &config::Database {
        &config.0
    }

    fn redis(config: &Self::Config) -> &Redis {
        &config.1
    }

    fn migrator() -> Migrator {
        sqlx::migrate!("tests/migrations")
    }

    fn app(config: ServiceConfig<Self::Config>, environment: Environment) -> Result<Db> {
        Db::connect(&config.service.0, environment)
    }

    fn db(app: &Db) -> &Db {
        app
    }

    fn routes(_: &Db, server: Server) -> Result<Server> {
        Ok(server)
    }
}

impl EventLogServer {
    async fn start(db: Db) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let common = Common {
            tls: Tls::insecure(),
            ..Common::default()
        };
        let events = EventTransport {
            redis: Redis::at(redis_url().await),
            publishers: Vec::new(),
        };
        let running = Running::start(|shutdown| async move {
            let serving =
                Runner::<Publisher>::serve_app(db, &common, events, Some(listener), shutdown, Roles::API);
            serving.await.unwrap();
        });
        Self { address, running }
    }

    /// A channel to it that calls as the service `caller`.
    pub fn channel(&self, caller: &str) -> PeerChannel {
        let tls = Tls {
            insecure_as: Some(caller.to_owned()),
            ..Tls::insecure()
        };
        let peer = Peer::at(format!("http://{}", self.address));
        client::connect("auth", &peer, &tls, Environment::system()).unwrap()
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// A background task with its own way to stop.
pub struct Running {
    pub shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Running {
    pub fn start<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(Shutdown) -> F) -> Self {
        let shutdown = Shutdown::new();
        let task = spawn("test", run(shutdown.clone()));
        Self { shutdown, task }
    }

    /// Stops it in order and waits for that.
    pub async fn stop(self) {
        self.shutdown.trigger();
        self.task.await.unwrap();
    }

    /// Ends it in the middle of whatever it does, as a crash would.
    pub fn crash(self) {
        self.task.abort();
    }
}

/// An event about `key` that says `note`.
pub fn event(key: &str, note: &str) -> UserUpdated {
    let profile = carshare_proto::auth::v1::UserProfile {
        name: note.to_owned(),
        ..Default::default()
    };
    UserUpdated {
        user_id: key.to_owned(),
        profile: Some(profile),
    }
}

pub fn note_of(event: &UserUpdated) -> String {
    event
        .profile
        .as_ref()
        .map(|profile| profile.name.clone())
        .unwrap_or_default()
}

/// Publishes in a transaction of its own.
pub async fn publish(db: &Db, key: &str, note: &str) {
    db.transaction("test.publish", event(key, note), append)
        .await
        .unwrap();
}

/// Appends an event: the work of a transaction.
pub async fn append<E: carshare_proto::events::EventMessage>(
    tx: &Tx,
    event: &E,
) -> Result<(), carshare_store::Error> {
    tx.publish(event);
    Ok(())
}

/// Executes one statement: the work of a transaction.
pub async fn execute_sql(tx: &Tx, sql: &&'static str) -> Result<u64, carshare_store::Error> {
    execute(tx, sql, []).await
}

pub async fn execute(
    tx: &Tx,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, carshare_store::Error> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(tx.conn().execute_raw(statement).await?.rows_affected())
}

/// Handles an event: its effect is one row of `effects`.
pub async fn insert_note(tx: &Tx, _: &EventMetadata, event: &UserUpdated) -> Result<(), ChassisError> {
    let values = [event.user_id.clone().into(), note_of(event).into()];
    execute(tx, "INSERT INTO effects (key, note) VALUES ($1, $2)", values).await?;
    Ok(())
}

/// A consumer with short backoff and no handlers yet.
pub fn consumer(db: &Db, redis: &Redis) -> Consumer {
    Consumer::new(db, redis, "test").initial_backoff(Duration::from_millis(5))
}

pub fn note_consumer(db: &Db, redis: &Redis) -> Running {
    let consumer = consumer(db, redis).on("auth", insert_note);
    Running::start(|shutdown| consumer.run(shutdown))
}

/// The same, reading the event log too.
pub fn log_consumer(db: &Db, redis: &Redis, log: &EventLogServer) -> Running {
    let consumer = consumer(db, redis)
        .on("auth", insert_note)
        .publisher("auth", log.channel("booking"));
    Running::start(|shutdown| consumer.run(shutdown))
}
