//! The service on a bench: started on port 0, driven by clients, its clock moved by hand, its tables read.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use carshare_booking::{Booking as BookingService, Config, DEFAULTS, NAME, migrator};
use carshare_chassis::config::{Peer, Redis, Sources, load};
use carshare_chassis::service::{Roles, Service as _};
use carshare_chassis::{Error, ManualClock, Shutdown, World, task};
use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::booking::v1::*;
use carshare_proto::errors::Reason;
use carshare_proto::events::EventMessage;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_store::config::Database as DatabaseConfig;
use carshare_testkit::proxy::FaultProxy;
use carshare_testkit::{Database, Tokens, eventually_true};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;
use redis::AsyncCommands as _;
use redis::streams::{StreamId, StreamRangeReply};
use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseConnection, FromQueryResult, Statement};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::peers::{self, Vehicles};

/// Long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub type Client = BookingServiceClient<Channel>;

/// Somebody with an account.
#[derive(Clone, Copy)]
pub struct Person {
    pub id: Uuid,
    pub role: &'static str,
}

/// A running service with all that it needs.
pub struct Bench {
    pub clock: ManualClock,
    pub vehicles: Vehicles,
    pub client: Client,
    pub tables: DatabaseConnection,
    pub redis: redis::aio::MultiplexedConnection,
    world: World,
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

impl Bench {
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
        let bench = Self::start_on(database, |config| config.database = DatabaseConfig::at(through)).await;
        (bench, proxy)
    }

    async fn start_on(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let (world, clock) = World::manual(at("2026-11-22T12:00:00Z"), 7);
        let (tokens, vehicles, shutdown) = (Tokens::new().unwrap(), Vehicles::default(), Shutdown::new());
        let peers = peers::serve(&tokens, vehicles.clone(), world.clone(), shutdown.clone()).await;
        let redis_url = carshare_testkit::redis_url().await;
        let mut config = config(&database, &redis_url, peers);
        change(&mut config);
        let (running, address) = run(&config, &world, &shutdown).await;
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
            world,
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
            id: self.world.ids.next(),
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
            id: self.world.ids.next().to_string(),
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

    /// A call of somebody.
    pub fn by<M>(&self, person: Person, message: M) -> Request<M> {
        let token = self.tokens.mint(person.role, person.id, self.clock.now());
        let mut request = Request::new(message);
        request
            .metadata_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    }

    /// A booking from 09:00 to 13:00 on 1 December: 60,000 won.
    pub async fn pending(&self, guest: Person, car: &Vehicle) -> Booking {
        self.create(guest, wish(car)).await.unwrap()
    }

    pub async fn create(&self, guest: Person, wish: CreateBookingRequest) -> Result<Booking, Status> {
        only(self.client.clone().create_booking(self.by(guest, wish)).await)
    }

    pub async fn approve(&self, host: Person, booking_id: &str) -> Result<Booking, Status> {
        let approval = ApproveBookingRequest {
            booking_id: booking_id.into(),
            host_response: None,
        };
        only(self.client.clone().approve_booking(self.by(host, approval)).await)
    }

    pub async fn reject(&self, host: Person, booking_id: &str) -> Result<Booking, Status> {
        let rejection = RejectBookingRequest {
            booking_id: booking_id.into(),
            host_response: None,
        };
        only(self.client.clone().reject_booking(self.by(host, rejection)).await)
    }

    pub async fn cancel(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let wish = CancelBookingRequest {
            booking_id: booking_id.into(),
            message: None,
        };
        only(self.client.clone().cancel_booking(self.by(person, wish)).await)
    }

    pub async fn begin(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let start = StartBookingRequest {
            booking_id: booking_id.into(),
        };
        only(self.client.clone().start_booking(self.by(person, start)).await)
    }

    pub async fn complete(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let completion = CompleteBookingRequest {
            booking_id: booking_id.into(),
        };
        only(
            self.client
                .clone()
                .complete_booking(self.by(person, completion))
                .await,
        )
    }

    pub async fn get(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let wanted = GetBookingRequest {
            booking_id: booking_id.into(),
        };
        only(self.client.clone().get_booking(self.by(person, wanted)).await)
    }

    /// A booking whose guest has paid.
    pub async fn confirmed(&mut self, guest: Person, host: Person, car: &Vehicle) -> Booking {
        let booking = self.pending(guest, car).await;
        self.approve(host, &booking.id).await.unwrap();
        self.paid(&booking).await;
        self.get(guest, &booking.id).await.unwrap()
    }

    /// The number that a statement counts.
    pub async fn count(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.tables.get_database_backend(), sql);
        let row = self.tables.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "count").unwrap()
    }

    pub async fn bookings(&self) -> i64 {
        self.count("SELECT count(*) AS count FROM bookings").await
    }

    /// Names of all published events of a booking, in order.
    pub async fn told(&self, booking: &Booking) -> Vec<String> {
        let of_booking = self
            .published()
            .await
            .into_iter()
            .filter(|event| event.key == booking.id);
        of_booking.map(|event| event.name).collect()
    }

    /// The only event of a kind that was ever published.
    pub async fn event<E: EventMessage>(&self) -> E {
        let mut events = self.published().await;
        events.retain(|event| event.name == E::NAME);
        assert_eq!(events.len(), 1, "{}", E::NAME);
        E::decode(events.remove(0).data.as_slice()).unwrap()
    }

    /// Everything that was ever published, as it lies in the stream for the others.
    async fn published(&self) -> Vec<Published> {
        self.sent().await;
        let entries: StreamRangeReply = self
            .redis
            .clone()
            .xrange_all("carshare:events:booking")
            .await
            .unwrap();
        let read = |entry: StreamId| Published {
            name: entry.get("name").unwrap(),
            key: entry.get("key").unwrap(),
            data: entry.get("data").unwrap(),
        };
        entries.ids.into_iter().map(read).collect()
    }

    /// Waits until every event was sent.
    async fn sent(&self) {
        let unsent = "SELECT count(*) AS count FROM outbox WHERE sent_at IS NULL";
        soon(|| async { self.count(unsent).await == 0 }).await;
    }

    /// The history of a booking: `pending→approved pending by host`.
    pub async fn history(&self, booking: &Booking) -> Vec<String> {
        let sql = format!(
            "SELECT from_status, to_status, payment_status, actor FROM status_history WHERE booking_id = '{}' ORDER BY version",
            booking.id
        );
        let line = |row: Line| {
            let from = row.from_status.unwrap_or_default();
            format!("{from}→{} {} by {}", row.to_status, row.payment_status, row.actor)
        };
        self.rows::<Line>(&sql).await.into_iter().map(line).collect()
    }

    async fn rows<R: FromQueryResult>(&self, sql: &str) -> Vec<R> {
        let statement = Statement::from_string(self.tables.get_database_backend(), sql);
        R::find_by_statement(statement).all(&self.tables).await.unwrap()
    }
}

/// An event in the stream.
struct Published {
    name: String,
    key: String,
    data: Vec<u8>,
}

#[derive(FromQueryResult)]
struct Line {
    from_status: Option<String>,
    to_status: String,
    payment_status: String,
    actor: String,
}

/// 09:00 to 13:00 on 1 December.
pub fn wish(car: &Vehicle) -> CreateBookingRequest {
    CreateBookingRequest {
        vehicle_id: car.id.clone(),
        start_datetime: Some(stamp("2026-12-01T09:00:00Z")),
        end_datetime: Some(stamp("2026-12-01T13:00:00Z")),
        guest_message: Some("잘 타겠습니다".into()),
    }
}

/// The same call under a key.
pub fn keyed<M>(mut request: Request<M>, key: &str) -> Request<M> {
    request
        .metadata_mut()
        .insert("idempotency-key", key.parse().unwrap());
    request
}

/// The message of a reply.
pub fn only<M>(reply: Result<Response<M>, Status>) -> Result<M, Status> {
    reply.map(Response::into_inner)
}

/// The refusal is for this reason; its facts are returned.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, Status>, reason: impl Reason) -> Error {
    let error = Error::from_status(result.unwrap_err());
    assert!(error.is(reason), "{error:?} instead of {:?}", reason.fact());
    error
}

/// A wrong state names both states.
#[track_caller]
pub fn wrong_state<T: std::fmt::Debug>(result: Result<T, Status>, from: &str, to: &str) {
    let error = refused(result, ErrorReason::WrongState);
    assert_eq!(
        (error.metadata()["from"].as_str(), error.metadata()["to"].as_str()),
        (from, to)
    );
}

/// Waits for a condition.
pub fn soon<R: Future<Output = bool>>(condition: impl FnMut() -> R) -> impl Future<Output = ()> {
    eventually_true(PATIENCE, condition)
}

/// Hours, for the clock.
pub fn hours(hours: i64) -> Duration {
    TimeDelta::hours(hours).to_std().unwrap()
}

async fn database() -> Database {
    Database::create(NAME, |url| async move {
        carshare_store::migrate(&DatabaseConfig::at(url), migrator()).await
    })
    .await
}

fn config(database: &Database, redis_url: &str, peers: SocketAddr) -> Config {
    let env = [
        ("DATABASE__URL", database.url()),
        ("REDIS__URL", redis_url.to_owned()),
        ("TLS__INSECURE", "true".to_owned()),
        ("TLS__INSECURE_AS", NAME.to_owned()),
    ];
    let env = env.map(|(name, value)| (format!("BOOKING__{name}"), value));
    let mut config: Config = load(Sources {
        service: NAME,
        defaults: DEFAULTS,
        file: None,
        env,
    })
    .unwrap();
    config.admin.listen = None;
    config.redis = Redis::at(redis_url.to_owned());
    config.identity.jwks = Some(Peer::at(format!("http://{peers}")));
    config.vehicle = Peer::at(format!("http://{peers}"));
    config
}

async fn run(
    config: &Config,
    world: &World,
    shutdown: &Shutdown,
) -> (JoinHandle<anyhow::Result<()>>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = BookingService::serve(
        config.clone(),
        world.clone(),
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
