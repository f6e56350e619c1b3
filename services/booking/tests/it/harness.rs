//! Test harness: the service, and stubs of the vehicle, payment and notification services.

mod calls;
mod changes;
mod claims;
mod coupons;
mod handovers;
mod queries;
mod quotes;
mod reviews;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::MutexGuard;
use std::time::Duration;

use carshare_booking::{Booking as BookingService, Config};
use carshare_objects::Objects;
use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::booking::v1::handover_service_client::HandoverServiceClient;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_service_testkit::{Instance, Setup, TestService};
use carshare_store::config::Database as DatabaseConfig;
use carshare_testkit::proxy::FaultProxy;
use carshare_testkit::{PostgresMeter, S3, StubServer};
use chrono::{DateTime, TimeDelta, Utc};
use tonic::transport::Channel;
use uuid::Uuid;

pub use calls::{assert_wrong_state, input};
pub use carshare_service_testkit::{
    Person, assert_reason, into_message, timestamp, wait_until, with_idempotency_key,
};
pub use changes::{car_of, end_of, refund};
pub use claims::damage;
pub use coupons::{percent_off, with_coupon, won_off};
pub use handovers::{ANGLES, get_file, png, put, statement_of};
pub use quotes::{platform_policy, quote_of};
pub use reviews::{ids, review_input};

use crate::notification_stub::{self, NotificationState, NotificationStub};
use crate::payment_stub::{self, PaymentState, PaymentStub};
use crate::vehicle_stub::{self, VehicleState, VehicleStub};

pub type Client = BookingServiceClient<Channel>;

/// A running service with the stub of vehicle and an S3 server.
pub struct Harness {
    pub client: Client,
    pub handovers: HandoverServiceClient<Channel>,
    pub objects: Objects,
    pub redis: redis::aio::MultiplexedConnection,
    /// Ids of the events that the test has sent, in order, by `<service> <key>`.
    pub sent: HashMap<String, Vec<Uuid>>,
    service: TestService<BookingService>,
    instance: Instance,
    vehicle: VehicleStub,
    payment: PaymentStub,
    notification: NotificationStub,
    _stubs: [StubServer; 3],
    _s3: S3,
}

impl Deref for Harness {
    type Target = TestService<BookingService>;

    fn deref(&self) -> &Self::Target {
        &self.service
    }
}

/// Parses a time: `at("2026-12-01T09:00:00Z")`.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Harness {
    /// Starts the service at noon UTC on 22 November 2026.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts the service with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let vehicle = VehicleStub::default();
        let vehicle_server = vehicle_stub::serve(vehicle.clone()).await;
        let payment = PaymentStub::default();
        let payment_server = payment_stub::serve(payment.clone()).await;
        let notification = NotificationStub::default();
        let notification_server = notification_stub::serve(notification.clone()).await;
        let s3 = carshare_testkit::s3().await;
        let service = Setup::<BookingService>::new("2026-11-22T12:00:00Z", &[])
            .env("VEHICLE__URI", vehicle_server.uri())
            .env("PAYMENT__URI", payment_server.uri())
            .env("NOTIFICATION__URI", notification_server.uri())
            .env("OBJECTS__ENDPOINT", &s3.endpoint)
            .env("OBJECTS__BUCKET", "handovers")
            .env("OBJECTS__ACCESS_KEY", &s3.access_key)
            .env("OBJECTS__SECRET_KEY", &s3.secret_key)
            .prepare(change)
            .await;
        let objects = Objects::new(&service.config.service.objects).unwrap();
        objects.ensure_bucket().await.unwrap();
        let instance = service.start_instance().await;
        let redis = redis::Client::open(service.config.service.redis.url.expose()).unwrap();
        Self {
            client: BookingServiceClient::new(instance.channel()),
            handovers: HandoverServiceClient::new(instance.channel()),
            objects,
            redis: redis.get_multiplexed_async_connection().await.unwrap(),
            sent: HashMap::new(),
            service,
            instance,
            vehicle,
            payment,
            notification,
            _stubs: [vehicle_server, payment_server, notification_server],
            _s3: s3,
        }
    }

    /// Returns a connection to the service.
    pub fn channel(&self) -> Channel {
        self.instance.channel()
    }

    /// Starts the service with a fault proxy in front of PostgreSQL. The test's own connections bypass it.
    pub async fn start_behind_proxy() -> (Self, FaultProxy) {
        let mut harness = Self::start().await;
        let (proxy, proxied_url) = FaultProxy::in_front_of(&harness.database().url()).await.unwrap();
        harness.service.config.service.database = DatabaseConfig::at(proxied_url);
        let instance = harness.start_instance().await;
        std::mem::replace(&mut harness.instance, instance).stop().await;
        harness.client = BookingServiceClient::new(harness.instance.channel());
        (harness, proxy)
    }

    /// Starts an instance without workers whose statements are counted.
    pub async fn start_metered(&self) -> (Instance, PostgresMeter) {
        let meter = PostgresMeter::start(&self.database().url()).await.unwrap();
        let mut config = self.config.clone();
        // One connection prepares each statement once.
        config.service.database = DatabaseConfig {
            max_connections: 1,
            ..DatabaseConfig::at(meter.url())
        };
        let instance = Instance::start_api::<BookingService>(config, self.environment.clone()).await;
        (instance, meter)
    }

    /// Ends the test: waits until every event was sent, then shuts the service down gracefully.
    pub async fn finish(self) {
        self.service.finish([self.instance]).await;
    }

    /// Locks the state of the vehicle stub.
    pub fn vehicle(&self) -> MutexGuard<'_, VehicleState> {
        self.vehicle.state()
    }

    /// Locks the state of the payment stub.
    pub fn payment(&self) -> MutexGuard<'_, PaymentState> {
        self.payment.state()
    }

    /// Locks the state of the notification stub.
    pub fn notification(&self) -> MutexGuard<'_, NotificationState> {
        self.notification.state()
    }

    /// Creates a car of the host that is booked without asking, at 15,000 won an hour.
    pub fn instant_car(&self, host: Person) -> Vehicle {
        let car = Vehicle {
            instant_book: true,
            ..self.car(host)
        };
        self.vehicle().cars.insert(car.id.clone(), car.clone());
        car
    }

    /// Creates a car of the host at 15,000 won an hour.
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
        self.vehicle().cars.insert(car.id.clone(), car.clone());
        car
    }
}

pub fn hours(hours: i64) -> Duration {
    TimeDelta::hours(hours).to_std().unwrap()
}
