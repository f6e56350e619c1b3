//! Test harness: a running service with a simulated booking service and Toss, a manual clock, and clients.

use std::future::Future;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use carshare_chassis::config::{Redis, ServiceConfig, Sources, load};
use carshare_chassis::{Environment, Error, ManualClock, Shutdown, task};
use carshare_outbound::HttpClient;
use carshare_payment::provider::toss::TossClient;
use carshare_payment::store::invariants;
use carshare_payment::{Config, DEFAULTS, NAME, migrator};
use carshare_proto::errors::Reason;
use carshare_proto::payment::v1::payment_service_client::PaymentServiceClient;
use carshare_proto::payment::v1::*;
use carshare_sandbox::Sandbox;
use carshare_store::config::Database as DatabaseConfig;
use carshare_store::{Db, Relay};
use carshare_testkit::{Database, GrpcStub, StubServer, Tokens, eventually_true};
use chrono::DateTime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::instance::Instance;
use crate::log_capture;

/// Upper bound of every wait; generous, for busy machines.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Amount of a booking in won, where a test names none.
pub const PRICE: i64 = 45_000;

pub use carshare_sandbox::GOOD_CARD;

pub use crate::booking::Booking;
pub use crate::queries::Row;

/// A running service with its dependencies.
pub struct Harness {
    pub clock: ManualClock,
    pub sandbox: Sandbox,
    pub client: PaymentServiceClient<Channel>,
    pub instance: Instance,
    pub db: Db,
    pub toss: TossClient,
    /// Client of Toss's registration and payment windows.
    pub window: HttpClient,
    pub environment: Environment,
    pub config: ServiceConfig<Config>,
    tokens: Tokens,
    /// Schema of the simulated booking service, for its events.
    pub booking: Db,
    pub published: AtomicI64,
    relay: JoinHandle<()>,
    stop_relay: Shutdown,
    database: Database,
    _keys: StubServer,
}

/// A user.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub id: Uuid,
    pub role: &'static str,
}

async fn migrate(urls: Vec<String>) -> anyhow::Result<()> {
    carshare_store::migrate(&DatabaseConfig::at(urls[0].clone()), migrator()).await?;
    // Only the messaging tables, to publish events from.
    carshare_store::migrate(
        &DatabaseConfig::at(urls[1].clone()),
        sqlx::migrate::Migrator::DEFAULT,
    )
    .await
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

impl Harness {
    /// Starts the service at 2026-11-22T12:00:00Z.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts the service with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        log_capture::start();
        let database = Database::create_many(&["payment", "booking"], migrate).await;
        let (environment, clock) = Environment::manual("2026-11-22T12:00:00Z".parse().unwrap(), 7);
        let sandbox = Sandbox::start(
            carshare_sandbox::Config::default(),
            environment.clone(),
            listen().await,
        )
        .await
        .unwrap();
        let tokens = Tokens::new().unwrap();
        let keys = GrpcStub::new().jwks(&tokens).start().await.unwrap();
        let redis = carshare_testkit::redis_url().await;
        let mut config = configure(&database, &redis, &sandbox, &keys);
        config.common.admin.listen = None;
        change(&mut config.service);
        let instance = Instance::start(&config, &environment).await;
        let booking = Db::connect(
            &DatabaseConfig::at(database.url_of("booking")),
            environment.clone(),
        )
        .unwrap();
        let stop_relay = Shutdown::new();
        let relay = Relay::new(&booking, &Redis::at(redis), "booking").run(stop_relay.clone());
        Self {
            client: client(&instance),
            db: Db::connect(&config.service.database, environment.clone()).unwrap(),
            toss: TossClient::new(&config.service.toss, environment.clone()).unwrap(),
            window: HttpClient::new("window", config.service.toss.http.clone(), environment.clone()).unwrap(),
            relay: task::spawn("relay of booking", relay),
            published: AtomicI64::new(0),
            clock,
            sandbox,
            instance,
            environment,
            config,
            tokens,
            booking,
            stop_relay,
            database,
            _keys: keys,
        }
    }

    /// Ends the test: asserts the invariants and that every event was sent, then shuts the service down gracefully.
    pub async fn finish(self) {
        self.assert_invariants().await;
        wait_until(|| async {
            self.count("SELECT count(*) AS count FROM outbox WHERE sent_at IS NULL")
                .await
                == 0
        })
        .await;
        self.instance.stop().await;
        self.stop_relay.trigger();
        self.relay.await.unwrap();
        self.sandbox.shutdown().await;
        self.db.close().await;
        self.booking.close().await;
        drop(self.database);
    }

    /// Asserts that no invariant is violated and no order was captured twice.
    pub async fn assert_invariants(&self) {
        assert_eq!(
            invariants::breaches(self.db.conn(), DateTime::UNIX_EPOCH)
                .await
                .unwrap(),
            []
        );
        self.captured();
    }

    /// Crashes the process and starts another one.
    pub async fn crash_and_restart(&mut self) {
        let new = Instance::start(&self.config, &self.environment).await;
        drop(std::mem::replace(&mut self.instance, new));
        self.client = client(&self.instance);
    }

    pub fn person(&self, role: &'static str) -> Person {
        Person {
            id: self.environment.ids.next(),
            role,
        }
    }

    /// Creates a request with a token of the user.
    pub fn request<M>(&self, person: Person, message: M) -> Request<M> {
        let token = self.tokens.mint(person.role, person.id, self.clock.now());
        let mut request = Request::new(message);
        request
            .metadata_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    }

    /// Creates a guest with this card on file.
    pub async fn guest_with(&self, card_number: &str) -> Person {
        let guest = self.person("guest");
        self.register(guest, card_number).await.unwrap();
        guest
    }

    pub async fn customer_key(&self, guest: Person) -> String {
        let call = self.request(guest, GetPaymentCustomerRequest {});
        self.client
            .clone()
            .get_payment_customer(call)
            .await
            .unwrap()
            .into_inner()
            .customer_key
    }

    pub async fn register(&self, guest: Person, card_number: &str) -> Result<PaymentMethod, Status> {
        let auth_key = self
            .enter_card(&self.customer_key(guest).await, card_number)
            .await;
        let call = self.request(guest, RegisterPaymentMethodRequest { auth_key });
        into_message(self.client.clone().register_payment_method(call).await)
    }

    pub async fn get(&self, person: Person, booking: &Booking) -> Result<Payment, Status> {
        let call = self.request(
            person,
            GetBookingPaymentRequest {
                booking_id: booking.id.clone(),
            },
        );
        into_message(self.client.clone().get_booking_payment(call).await)
    }

    pub async fn process(&self, guest: Person, request: ProcessPaymentRequest) -> Result<Payment, Status> {
        into_message(
            self.client
                .clone()
                .process_payment(self.request(guest, request))
                .await,
        )
    }
}

fn client(instance: &Instance) -> PaymentServiceClient<Channel> {
    let uri = format!("http://{}", instance.address);
    PaymentServiceClient::new(Channel::from_shared(uri).unwrap().connect_lazy())
}

fn configure(
    database: &Database,
    redis: &str,
    sandbox: &Sandbox,
    keys: &StubServer,
) -> ServiceConfig<Config> {
    let env = [
        ("DATABASE__URL", database.url()),
        ("REDIS__URL", redis.to_owned()),
        ("TLS__INSECURE", "true".to_owned()),
        ("IDENTITY__JWKS__URI", keys.uri()),
        ("SEAL__PRIMARY", "k1".to_owned()),
        (
            "SEAL__KEYS__K1",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
        ),
        ("TOSS__SECRET_KEY", "test_sk_carshare_sandbox".to_owned()),
        ("TOSS__HTTP__BASE_URL", format!("{}/toss", sandbox.url())),
        // No retries: tests count requests, and delays between retries would wait for the manual clock.
        ("TOSS__HTTP__MAX_RETRIES", "0".to_owned()),
        ("TOSS__HTTP__BREAKER_FAILURES", "1000".to_owned()),
    ];
    let env = env.map(|(name, value)| (format!("PAYMENT__{name}"), value));
    load(Sources {
        service: NAME,
        defaults: DEFAULTS,
        file: None,
        env,
    })
    .unwrap()
}

/// Adds an idempotency key to a request.
pub fn with_idempotency_key<M>(mut request: Request<M>, key: &str) -> Request<M> {
    request
        .metadata_mut()
        .insert("idempotency-key", key.parse().unwrap());
    request
}

/// Returns the message of a response.
pub fn into_message<M>(reply: Result<Response<M>, Status>) -> Result<M, Status> {
    reply.map(Response::into_inner)
}

/// Asserts the error's reason and returns the error.
#[track_caller]
pub fn assert_reason<T: std::fmt::Debug>(result: Result<T, Status>, reason: impl Reason) -> Error {
    let error = Error::from_status(result.unwrap_err());
    assert!(error.is(reason), "{error:?} instead of {:?}", reason.fact());
    error
}

/// Asserts the gRPC status code.
#[track_caller]
pub fn assert_code<T: std::fmt::Debug>(result: Result<T, Status>, grpc: tonic::Code) {
    assert_eq!(result.unwrap_err().code(), grpc);
}

/// Waits until the condition holds, for at most [`WAIT_TIMEOUT`].
pub fn wait_until<R: Future<Output = bool>>(condition: impl FnMut() -> R) -> impl Future<Output = ()> {
    eventually_true(WAIT_TIMEOUT, condition)
}
