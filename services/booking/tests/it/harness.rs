//! The service on a harness: started on port 0, driven by clients, its clock moved by hand, its tables read.

mod calls;
mod queries;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use carshare_booking::{Booking as BookingService, Config, DEFAULTS, NAME};
use carshare_chassis::config::{Peer, Redis, ServiceConfig, Sources, load};
use carshare_chassis::service::{Roles, Service as _};
use carshare_chassis::{Environment, ManualClock, Shutdown, task};
use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_store::config::Database as DatabaseConfig;
use carshare_store::{Runner, StoreService as _};
use carshare_testkit::proxy::FaultProxy;
use carshare_testkit::{Database, Tokens, eventually_true};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;
use sea_orm::{ConnectOptions, DatabaseConnection};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use uuid::Uuid;

pub use calls::{input, keyed, only, refused, wrong_state};

use crate::peers::{self, Vehicles};

/// Long enough for a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(30);

pub type Client = BookingServiceClient<Channel>;

/// Somebody with an account.
#[derive(Clone, Copy)]
pub struct Person {
    pub id: Uuid,
    pub role: &'static str,
}

/// A running service with all that it needs.
pub struct Harness {
    pub clock: ManualClock,
    pub vehicles: Vehicles,
    pub client: Client,
    pub tables: DatabaseConnection,
    pub redis: redis::aio::MultiplexedConnection,
    environment: Environment,
    tokens: Tokens,
    database: Database,
    shutdown: Shutdown,
    running: JoinHandle<anyhow::Result<()>>,
}

/// A moment on the day of the tests, for example `at("2026-12-01T09:00:00Z")`.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The same for the wire.
pub fn stamp(text: &str) -> Timestamp {
    let time = at(text);
    Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}

impl Harness {
    /// Starts at noon on 22 November 2026.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(database().await, change).await
    }

    /// Starts with a wire to PostgreSQL that can be cut. The tests' own eyes do not look through it.
    pub async fn start_cuttable() -> (Self, FaultProxy) {
        let database = database().await;
        let (proxy, through) = FaultProxy::in_front_of(&database.url()).await.unwrap();
        let harness = Self::start_on(database, |config| config.database = DatabaseConfig::at(through)).await;
        (harness, proxy)
    }

    async fn start_on(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let (environment, clock) = Environment::manual(at("2026-11-22T12:00:00Z"), 7);
        let (tokens, vehicles, shutdown) = (Tokens::new().unwrap(), Vehicles::default(), Shutdown::new());
        let peers = peers::serve(&tokens, vehicles.clone(), environment.clone(), shutdown.clone()).await;
        let redis_url = carshare_testkit::redis_url().await;
        let mut config = config(&database, &redis_url, peers);
        change(&mut config.service);
        let (running, address) = run(&config, &environment, &shutdown).await;
        let redis = redis::Client::open(redis_url)
            .unwrap()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        Self {
            clock,
            vehicles,
            client: client(address),
            tables: sea_orm::Database::connect(ConnectOptions::new(database.url()))
                .await
                .unwrap(),
            redis,
            environment,
            tokens,
            database,
            shutdown,
            running,
        }
    }

    /// Ends the test: every event was sent, and the service stops in good order.
    pub async fn finish(self) {
        self.sent().await;
        self.shutdown.trigger();
        self.running.await.unwrap().unwrap();
        self.tables.close().await.unwrap();
        drop(self.database);
    }

    pub fn person(&self, role: &'static str) -> Person {
        Person {
            id: self.environment.ids.next(),
            role,
        }
    }

    pub fn guest(&self) -> Person {
        self.person("guest")
    }

    pub fn host(&self) -> Person {
        self.person("host")
    }

    /// A car of a host at 15,000 won an hour.
    pub fn car(&self, host: Person) -> Vehicle {
        let car = Vehicle {
            id: self.environment.ids.next().to_string(),
            owner_id: host.id.to_string(),
            license_plate: "12하3456".into(),
            make: "현대".into(),
            model: "아이오닉 5".into(),
            year: 2025,
            hourly_rate: 15_000,
            location_address: "서울 강남구 테헤란로 152".into(),
            ..Vehicle::default()
        };
        self.vehicles.garage().cars.insert(car.id.clone(), car.clone());
        car
    }
}

/// Waits for a condition.
#[track_caller]
pub fn soon<R: Future<Output = bool>>(condition: impl FnMut() -> R) -> impl Future<Output = ()> {
    eventually_true(TIMEOUT, condition)
}

/// Hours, for the clock.
pub fn hours(hours: i64) -> Duration {
    TimeDelta::hours(hours).to_std().unwrap()
}

async fn database() -> Database {
    Database::create(NAME, |url| async move {
        carshare_store::migrate(&DatabaseConfig::at(url), BookingService::migrator()).await
    })
    .await
}

fn config(database: &Database, redis_url: &str, peers: SocketAddr) -> ServiceConfig<Config> {
    let env = [
        ("DATABASE__URL", database.url()),
        ("REDIS__URL", redis_url.to_owned()),
        ("TLS__INSECURE", "true".to_owned()),
        ("TLS__INSECURE_AS", NAME.to_owned()),
    ];
    let env = env.map(|(name, value)| (format!("BOOKING__{name}"), value));
    let mut config = load::<Config>(Sources {
        service: NAME,
        defaults: DEFAULTS,
        file: None,
        env,
    })
    .unwrap();
    config.common.admin.listen = None;
    config.service.redis = Redis::at(redis_url.to_owned());
    config.common.identity.jwks = Some(Peer::at(format!("http://{peers}")));
    config.service.vehicle = Peer::at(format!("http://{peers}"));
    config
}

async fn run(
    config: &ServiceConfig<Config>,
    environment: &Environment,
    shutdown: &Shutdown,
) -> (JoinHandle<anyhow::Result<()>>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Runner::<BookingService>::serve(
        config.clone(),
        environment.clone(),
        Some(listener),
        shutdown.clone(),
        Roles::ALL,
    );
    (task::spawn("booking", serving), address)
}

fn client(address: SocketAddr) -> Client {
    let channel = Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect_lazy();
    BookingServiceClient::new(channel)
}
