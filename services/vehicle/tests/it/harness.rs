//! Test harness: the service with a map, an S3 server, and auth and booking as publishers of events.

pub mod cars;

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use carshare_objects::Objects;
use carshare_proto::events::EventMessage;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_service_testkit::{Instance, Setup, TestService};
use carshare_testkit::S3;
use carshare_vehicle::{Config, Vehicle as VehicleService};
use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use tonic::Request;
use tonic::transport::Channel;
use wiremock::MockServer;

pub use carshare_service_testkit::{
    Person, assert_reason as refused, from_service, into_message as only, wait_until as soon,
    with_idempotency_key as keyed,
};

use crate::kakao;

pub type Client = VehicleServiceClient<Channel>;

/// A running service with a map and an S3 server.
pub struct Harness {
    pub client: Client,
    pub kakao: MockServer,
    pub objects: Objects,
    plates: AtomicU32,
    service: TestService<VehicleService>,
    instance: Instance,
    /// Removed with the harness.
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

/// Parses a time as [`at`] does, for a message.
#[expect(clippy::unnecessary_wraps, reason = "the fields of the contract are optional")]
pub fn stamp(text: &str) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: at(text).timestamp(),
        nanos: 0,
    })
}

impl Harness {
    /// Starts at 09:00 in Seoul on Monday, 23 November 2026.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with a changed configuration.
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

    /// Ends the test: waits until every event was sent, then shuts the service down gracefully.
    pub async fn finish(self) {
        self.service.finish([self.instance]).await;
    }

    /// Returns a plate that no other car of this test has.
    pub fn plate(&self) -> String {
        format!("12하{:04}", self.plates.fetch_add(1, Ordering::Relaxed))
    }

    /// Creates a request of the user.
    pub fn by<M>(&self, person: Person, message: M) -> Request<M> {
        self.request(person, message)
    }

    /// Publishes an event of booking and waits until it was handled.
    pub async fn booking_tells<E: EventMessage>(&self, event: E) {
        self.publish("booking", event).await;
        self.handled().await;
    }

    /// Publishes an event of auth and waits until it was handled.
    pub async fn auth_tells<E: EventMessage>(&self, event: E) {
        self.publish("auth", event).await;
        self.handled().await;
    }

    /// Returns all events of a type that the service has published, in order.
    pub async fn told<E: EventMessage>(&self) -> Vec<E> {
        self.events().await
    }

    /// Returns the number of rows of a table.
    pub async fn rows(&self, table: &str) -> i64 {
        self.row_count(table).await
    }
}
