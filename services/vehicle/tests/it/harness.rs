//! The service on a harness: started on port 0, driven by clients, its clock moved by hand, its tables read.

pub mod cars;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use carshare_chassis::config::{Peer, Redis, ServiceConfig, Sources, load};
use carshare_chassis::service::{Roles, Service as _};
use carshare_chassis::{Environment, Error, ManualClock, Shutdown, task};
use carshare_objects::Objects;
use carshare_proto::errors::Reason;
use carshare_proto::events::EventMessage;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_store::config::Database as DatabaseConfig;
use carshare_store::{Db, Relay, Runner, StoreService as _, Tx, migrate};
use carshare_testkit::{Database, S3, Tokens, eventually_true};
use carshare_vehicle::{Config, DEFAULTS, NAME, Vehicle as VehicleService};
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use prost_types::Timestamp;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, FromQueryResult, Statement};
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use wiremock::MockServer;

use crate::{kakao, keys};

/// Long enough for a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(30);

pub type Client = VehicleServiceClient<Channel>;

/// Somebody with an account.
#[derive(Clone, Copy)]
pub struct Person {
    pub id: Uuid,
    pub role: &'static str,
}

/// A running service with all that it needs.
pub struct Harness {
    pub clock: ManualClock,
    pub client: Client,
    pub db: Db,
    pub kakao: MockServer,
    pub objects: Objects,
    pub environment: Environment,
    booking: Db,
    auth: Db,
    tokens: Tokens,
    plates: AtomicU32,
    shutdown: Shutdown,
    running: Vec<JoinHandle<anyhow::Result<()>>>,
    /// Only kept: they go with the harness.
    _servers: (Database, S3),
}

/// A moment in Seoul on a day of the week of the tests: `at("23T09:00")` is Monday, when the clock starts.
pub fn at(text: &str) -> DateTime<Utc> {
    format!("2026-11-{text}:00+09:00").parse().unwrap()
}

/// The same for the wire.
#[expect(clippy::unnecessary_wraps, reason = "the fields of the contract are optional")]
pub fn stamp(text: &str) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: at(text).timestamp(),
        nanos: 0,
    })
}

impl Harness {
    /// Starts at nine in the morning of Monday, 23 November 2026.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = Database::create_many(&[NAME, "booking", "auth"], |urls| async move {
            let [own, peers @ ..] = urls.as_slice() else {
                anyhow::bail!("three roles")
            };
            migrate(&DatabaseConfig::at(own.as_str()), VehicleService::migrator()).await?;
            for url in peers {
                migrate(
                    &DatabaseConfig::at(url.as_str()),
                    Migrator::with_migrations(Vec::new()),
                )
                .await?;
            }
            Ok(())
        })
        .await;
        let (environment, clock) = Environment::manual(at("23T09:00"), 7);
        let (tokens, shutdown, kakao, s3) = (
            Tokens::new().unwrap(),
            Shutdown::new(),
            kakao::start().await,
            carshare_testkit::s3().await,
        );
        let keys = keys::serve(&tokens, environment.clone(), shutdown.clone()).await;
        let mut config = config(&database, &kakao, &s3, keys).await;
        change(&mut config.service);
        let objects = Objects::new(&config.service.objects).unwrap();
        objects.ensure_bucket().await.unwrap();
        let (serving, address) = serve(&config, &environment, &shutdown).await;
        let (booking, booking_relay) = peer(
            &database,
            &config.service.redis,
            &environment,
            &shutdown,
            "booking",
        );
        let (auth, auth_relay) = peer(&database, &config.service.redis, &environment, &shutdown, "auth");
        Self {
            client: client(address),
            db: Db::connect(&config.service.database, environment.clone()).unwrap(),
            running: vec![serving, booking_relay, auth_relay],
            _servers: (database, s3),
            plates: AtomicU32::new(100),
            clock,
            kakao,
            objects,
            environment,
            booking,
            auth,
            tokens,
            shutdown,
        }
    }

    /// Ends the test: every event was sent, and the service stops in good order.
    pub async fn finish(self) {
        let unsent = "SELECT count(*) AS count FROM outbox WHERE sent_at IS NULL";
        eventually_true(TIMEOUT, || async { self.count(unsent).await == 0 }).await;
        self.shutdown.trigger();
        for task in self.running {
            task.await.unwrap().unwrap();
        }
        for db in [self.db, self.booking, self.auth] {
            db.close().await;
        }
    }

    pub fn host(&self) -> Person {
        Person {
            id: self.environment.ids.next(),
            role: "host",
        }
    }

    pub fn guest(&self) -> Person {
        Person {
            id: self.environment.ids.next(),
            role: "guest",
        }
    }

    /// A plate that no other car of this test has.
    pub fn plate(&self) -> String {
        format!("12하{:04}", self.plates.fetch_add(1, Ordering::Relaxed))
    }

    /// A call of somebody.
    pub fn by<M>(&self, person: Person, message: M) -> Request<M> {
        let token = self.tokens.mint(person.role, person.id, self.clock.now());
        with(Request::new(message), "authorization", &format!("Bearer {token}"))
    }

    /// Has the booking service publish an event, and waits until this one has handled it.
    pub async fn booking_tells<E: EventMessage>(&self, event: E) {
        self.tell(&self.booking, event).await;
    }

    /// The same for the auth service.
    pub async fn auth_tells<E: EventMessage>(&self, event: E) {
        self.tell(&self.auth, event).await;
    }

    async fn tell<E: EventMessage>(&self, peer: &Db, event: E) {
        let handled = format!("SELECT count(*) AS count FROM inbox WHERE name = '{}'", E::NAME);
        let before = self.count(&handled).await;
        let publish = peer.transaction("test.publish", event, async |tx: &Tx, event: &E| {
            tx.publish(event).await
        });
        publish.await.unwrap();
        eventually_true(TIMEOUT, || async { self.count(&handled).await > before }).await;
    }

    /// The events of a kind that this service published, in order.
    pub async fn told<E: EventMessage>(&self) -> Vec<E> {
        let sql = format!("SELECT data FROM outbox WHERE name = '{}' ORDER BY seq", E::NAME);
        let rows = Published::find_by_statement(statement(self.tables(), &sql))
            .all(self.tables())
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| E::decode(row.data.as_slice()).unwrap())
            .collect()
    }

    /// The number that a statement counts.
    pub async fn count(&self, sql: &str) -> i64 {
        let row = self
            .tables()
            .query_one_raw(statement(self.tables(), sql))
            .await
            .unwrap()
            .unwrap();
        row.try_get("", "count").unwrap()
    }

    /// Rows of a table.
    pub async fn rows(&self, table: &str) -> i64 {
        self.count(&format!("SELECT count(*) AS count FROM {table}"))
            .await
    }

    pub async fn execute(&self, sql: &str) {
        self.tables().execute_unprepared(sql).await.unwrap();
    }

    fn tables(&self) -> &DatabaseConnection {
        self.db.conn()
    }
}

#[derive(FromQueryResult)]
struct Published {
    data: Vec<u8>,
}

fn statement(tables: &DatabaseConnection, sql: &str) -> Statement {
    Statement::from_string(tables.get_database_backend(), sql)
}

/// The same call with one more entry of metadata.
pub fn with<M>(mut request: Request<M>, name: &'static str, value: &str) -> Request<M> {
    request.metadata_mut().insert(name, value.parse().unwrap());
    request
}

/// The same call under a key.
pub fn keyed<M>(request: Request<M>, key: &str) -> Request<M> {
    with(request, "idempotency-key", key)
}

/// A call of another service.
pub fn from_service<M>(name: &str, message: M) -> Request<M> {
    with(Request::new(message), "x-carshare-peer", name)
}

/// The message of a reply.
pub fn only<M>(reply: Result<Response<M>, Status>) -> Result<M, Status> {
    reply.map(Response::into_inner)
}

/// The refusal is for this reason; its facts are returned.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, Status>, reason: impl Reason) -> Error {
    let status = result.unwrap_err();
    let error = Error::from_status(status.clone());
    let details = tonic_types::StatusExt::get_details_error_info(&status);
    let told = details.map(|info| (info.domain, info.reason));
    assert_eq!(
        told,
        Some((reason.fact().domain.clone(), reason.fact().reason.clone())),
        "{error:?}"
    );
    error
}

/// Waits for a condition.
pub fn soon<R: Future<Output = bool>>(condition: impl FnMut() -> R) -> impl Future<Output = ()> {
    eventually_true(TIMEOUT, condition)
}

async fn config(database: &Database, kakao: &MockServer, s3: &S3, keys: SocketAddr) -> ServiceConfig<Config> {
    let env = [
        ("DATABASE__URL", database.url_of(NAME)),
        ("REDIS__URL", carshare_testkit::redis_url().await),
        ("TLS__INSECURE", "true".to_owned()),
        ("KAKAO__REST_KEY", "map-key".to_owned()),
        ("KAKAO__HTTP__BASE_URL", kakao.uri()),
        // The pauses between retries follow the clock, which stands still.
        ("KAKAO__HTTP__MAX_RETRIES", "0".to_owned()),
        ("KAKAO__HTTP__TIMEOUT_MS", "2000".to_owned()),
        ("OBJECTS__ENDPOINT", s3.endpoint.clone()),
        ("OBJECTS__BUCKET", "vehicles".to_owned()),
        ("OBJECTS__ACCESS_KEY", s3.access_key.clone()),
        ("OBJECTS__SECRET_KEY", s3.secret_key.clone()),
    ];
    let env = env.map(|(name, value)| (format!("VEHICLE__{name}"), value));
    let mut config = load::<Config>(Sources {
        service: NAME,
        defaults: DEFAULTS,
        file: None,
        env,
    })
    .unwrap();
    config.common.admin.listen = None;
    config.common.identity.jwks = Some(Peer::at(format!("http://{keys}")));
    config
}

async fn serve(
    config: &ServiceConfig<Config>,
    environment: &Environment,
    shutdown: &Shutdown,
) -> (JoinHandle<anyhow::Result<()>>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Runner::<VehicleService>::serve(
        config.clone(),
        environment.clone(),
        Some(listener),
        shutdown.clone(),
        Roles::ALL,
    );
    (task::spawn("vehicle", serving), address)
}

/// Another service, as far as it publishes: its schema and its relay.
fn peer(
    database: &Database,
    redis: &Redis,
    environment: &Environment,
    shutdown: &Shutdown,
    name: &'static str,
) -> (Db, JoinHandle<anyhow::Result<()>>) {
    let db = Db::connect(&DatabaseConfig::at(database.url_of(name)), environment.clone()).unwrap();
    let relaying = Relay::new(&db, redis, name).run(shutdown.clone());
    (db, task::spawn("peer relay", relaying.map(Ok)))
}

fn client(address: SocketAddr) -> Client {
    VehicleServiceClient::new(
        Channel::from_shared(format!("http://{address}"))
            .unwrap()
            .connect_lazy(),
    )
}
