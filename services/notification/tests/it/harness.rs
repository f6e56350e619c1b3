//! A running notification service, and a peer that publishes events.

use std::time::Duration;

use anyhow::Result;
use carshare_chassis::config::{self, Redis};
use carshare_chassis::service::{Roles, Service as _};
use carshare_chassis::{Environment, ManualClock, Shutdown, task};
use carshare_notification::{Config, Notification};
use carshare_proto::booking::v1::{BookingFacts, BookingRequested};
use carshare_proto::events::EventMessage;
use carshare_proto::notification::v1 as pb;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_sandbox::Sandbox;
use carshare_store::{Db, Relay, Runner, StoreService as _, Tx, config::Database as DbConfig};
use carshare_testkit::{Database, GrpcStub, StubServer, Tokens, eventually, redis_url};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

/// Upper bound of every wait.
pub const TIMEOUT: Duration = Duration::from_secs(20);

pub struct Harness {
    pub clock: ManualClock,
    pub db: Db,
    pub sandbox: Sandbox,
    pub rpc: NotificationServiceClient<Channel>,
    environment: Environment,
    tokens: Tokens,
    publisher: Db,
    shutdown: Shutdown,
    server: JoinHandle<Result<()>>,
    _database: Database,
    _keys: StubServer,
}

async fn migrate(urls: Vec<String>) -> Result<()> {
    carshare_store::migrate(&DbConfig::at(urls[0].clone()), Notification::migrator()).await?;
    // Only the messaging tables: the schema of the publishing peer.
    carshare_store::migrate(&DbConfig::at(urls[1].clone()), sqlx::migrate::Migrator::DEFAULT).await
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

pub async fn harness() -> Harness {
    let database = Database::create_many(&["notification", "booking"], migrate).await;
    let (environment, clock) = Environment::manual("2026-11-22T03:00:00Z".parse().expect("a time"), 1);
    let sandbox = Sandbox::start(
        carshare_sandbox::Config::default(),
        environment.clone(),
        listen().await,
    );
    let sandbox = sandbox.await.expect("a sandbox");
    let tokens = Tokens::new().expect("a key");
    let keys = GrpcStub::new().jwks(&tokens).start().await.expect("a key server");
    let redis = redis_url().await;
    let config = configure(&database, &redis, &sandbox, &keys);
    let db = Db::connect(&config.service.database, environment.clone()).expect("a pool");
    let publisher =
        Db::connect(&DbConfig::at(database.url_of("booking")), environment.clone()).expect("a pool");

    let shutdown = Shutdown::new();
    let relay = Relay::new(&publisher, &Redis::at(redis), "booking");
    task::spawn("peer_relay", relay.run(shutdown.clone()));
    let listener = listen().await;
    let uri = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = Runner::<Notification>::serve(
        config,
        environment.clone(),
        Some(listener),
        shutdown.clone(),
        Roles::ALL,
    );
    let server = task::spawn("notification", serving);
    let channel = Channel::from_shared(uri).expect("a URI").connect_lazy();
    let rpc = NotificationServiceClient::new(channel);
    Harness {
        clock,
        db,
        sandbox,
        rpc,
        environment,
        tokens,
        publisher,
        shutdown,
        server,
        _database: database,
        _keys: keys,
    }
}

fn configure(
    database: &Database,
    redis: &str,
    sandbox: &Sandbox,
    keys: &StubServer,
) -> config::ServiceConfig<Config> {
    let env = [
        ("NOTIFICATION__DATABASE__URL", database.url_of("notification")),
        ("NOTIFICATION__REDIS__URL", redis.to_owned()),
        ("NOTIFICATION__TLS__INSECURE", "true".to_owned()),
        ("NOTIFICATION__ADMIN__LISTEN", "127.0.0.1:0".to_owned()),
        ("NOTIFICATION__IDENTITY__JWKS__URI", keys.uri()),
        ("NOTIFICATION__PUSH__BASE_URL", format!("{}/fcm", sandbox.url())),
        (
            "NOTIFICATION__PUSH__SERVICE_ACCOUNT_JSON",
            sandbox.service_account_json().to_string(),
        ),
    ];
    config::load(config::Sources {
        service: "notification",
        defaults: Notification::DEFAULTS,
        file: None,
        env: env.map(|(name, value)| (name.to_owned(), value)),
    })
    .expect("a configuration")
}

impl Harness {
    /// Returns a request with an access token of the user.
    pub fn as_user<M>(&self, user: Uuid, message: M) -> Request<M> {
        let token = self.tokens.mint("guest", user, self.environment.clock.now());
        let mut request = Request::new(message);
        request.metadata_mut().insert(
            "authorization",
            format!("Bearer {token}").parse().expect("a header"),
        );
        request
    }

    /// Publishes an event of the peer.
    pub async fn publish<E: EventMessage>(&self, event: E) {
        let published = self
            .publisher
            .transaction("test.publish", event, async |tx: &Tx, event: &E| {
                tx.publish(event).await
            });
        published.await.expect("published");
    }

    /// Publishes a booking request to a host and returns the booking's id.
    pub async fn request_booking(&self, host: Uuid) -> Uuid {
        let booking_id = self.environment.ids.next();
        let facts = BookingFacts {
            booking_id: booking_id.to_string(),
            host_id: host.to_string(),
            guest_id: Uuid::from_u128(0xFEED).to_string(),
            vehicle_title: "Genesis G80".into(),
            ..Default::default()
        };
        self.publish(BookingRequested {
            booking_id: booking_id.to_string(),
            booking: Some(facts),
            ..Default::default()
        })
        .await;
        booking_id
    }

    pub async fn list(&self, user: Uuid) -> Vec<pb::Notification> {
        let request = self.as_user(user, pb::ListNotificationsRequest::default());
        self.rpc
            .clone()
            .list_notifications(request)
            .await
            .expect("a list")
            .into_inner()
            .notifications
    }

    /// Waits until the user has this many notifications and returns them.
    pub async fn list_when(&self, user: Uuid, count: usize) -> Vec<pb::Notification> {
        eventually(TIMEOUT, || async {
            let listed = self.list(user).await;
            (listed.len() == count).then_some(listed)
        })
        .await
    }

    pub async fn register_device(&self, user: Uuid, token: &str) -> Result<pb::Device, Status> {
        let platform = pb::DevicePlatform::Android.into();
        let request = self.as_user(
            user,
            pb::RegisterDeviceRequest {
                token: token.into(),
                platform,
            },
        );
        Ok(self.rpc.clone().register_device(request).await?.into_inner())
    }

    /// Shuts the service down.
    pub async fn stop(self) {
        self.shutdown.trigger();
        self.server.await.expect("no panic").expect("an orderly end");
    }
}
