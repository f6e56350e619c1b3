//! Test harness: the service with a Kakao stub, an S3 server, and auth and booking as publishers of events.

pub mod calls;
pub mod images;

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use carshare_objects::Objects;
use carshare_proto::events::EventMessage;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_service_testkit::{Instance, Setup, TestService};
use carshare_store::config::Database;
use carshare_testkit::{PostgresMeter, S3};
use carshare_vehicle::{Config, Vehicle as VehicleService};
use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use tonic::transport::Channel;
use wiremock::MockServer;

pub use carshare_service_testkit::{
    Person, assert_reason, from_service, into_message, wait_until, with_idempotency_key,
};

use crate::kakao;

pub type Client = VehicleServiceClient<Channel>;

/// A running service with a Kakao stub and an S3 server.
pub struct Harness {
    pub client: Client,
    pub kakao: MockServer,
    pub objects: Objects,
    plates: AtomicU32,
    service: TestService<VehicleService>,
    instance: Instance,
    _s3: S3,
}

impl Deref for Harness {
    type Target = TestService<VehicleService>;

    fn deref(&self) -> &Self::Target {
        &self.service
    }
}

/// Parses a time in Seoul in November 2026: `at("23T09:00")` is Monday, when the clock starts.
pub fn at(text: &str) -> DateTime<Utc> {
    format!("2026-11-{text}:00+09:00").parse().unwrap()
}

/// Parses a time as [`at`] does, into its protobuf form.
#[expect(clippy::unnecessary_wraps, reason = "message fields are optional")]
pub fn timestamp(text: &str) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: at(text).timestamp(),
        nanos: 0,
    })
}

impl Harness {
    /// Starts the service at 09:00 in Seoul on Monday, 23 November 2026.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts the service with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let (kakao, s3) = tokio::join!(kakao::start(), carshare_testkit::s3());
        let service = Setup::<VehicleService>::new("2026-11-23T09:00:00+09:00", &["booking", "auth"])
            .env("KAKAO__REST_KEY", "map-key")
            .env("KAKAO__HTTP__BASE_URL", kakao.uri())
            // Delays between retries would wait for the manual clock.
            .env("KAKAO__HTTP__MAX_RETRIES", "0")
            .env("KAKAO__HTTP__TIMEOUT_MS", "2000")
            .env("OBJECTS__ENDPOINT", &s3.endpoint)
            .env("OBJECTS__BUCKET", "vehicles")
            .env("OBJECTS__ACCESS_KEY", &s3.access_key)
            .env("OBJECTS__SECRET_KEY", &s3.secret_key)
            .prepare(change)
            .await;
        let objects = Objects::new(&service.config.service.objects).unwrap();
        objects.ensure_bucket().await.unwrap();
        let instance = service.start_instance().await;
        Self {
            client: VehicleServiceClient::new(instance.channel()),
            plates: AtomicU32::new(100),
            kakao,
            objects,
            service,
            instance,
            _s3: s3,
        }
    }

    /// Returns a connection to the service.
    pub fn channel(&self) -> Channel {
        self.instance.channel()
    }

    /// Starts an instance without workers whose statements are counted.
    pub async fn start_metered(&self) -> (Instance, PostgresMeter) {
        let meter = PostgresMeter::start(&self.database().url()).await.unwrap();
        let mut config = self.config.clone();
        // One connection prepares each statement once.
        config.service.database = Database {
            max_connections: 1,
            ..Database::at(meter.url())
        };
        let instance = Instance::start_api::<VehicleService>(config, self.environment.clone()).await;
        (instance, meter)
    }

    /// Ends the test: waits until every event has been sent, then shuts the service down gracefully.
    pub async fn finish(self) {
        self.service.finish([self.instance]).await;
    }

    /// Returns a new license plate.
    pub fn plate(&self) -> String {
        format!("12하{:04}", self.plates.fetch_add(1, Ordering::Relaxed))
    }

    /// Publishes an event of booking and waits until it has been handled.
    pub async fn publish_from_booking<E: EventMessage>(&self, event: E) {
        self.publish("booking", event).await;
        self.handled().await;
    }

    /// Publishes an event of auth and waits until it has been handled.
    pub async fn publish_from_auth<E: EventMessage>(&self, event: E) {
        self.publish("auth", event).await;
        self.handled().await;
    }

    /// Returns the number of confirmed occupancies.
    pub async fn booking_count(&self) -> i64 {
        self.count("SELECT count(*) AS count FROM occupancies WHERE kind = 'booking' AND expires_at IS NULL")
            .await
    }
}
