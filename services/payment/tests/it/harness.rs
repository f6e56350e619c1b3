//! Test harness: a running service with a simulated booking service and Toss, a manual clock, and clients.

use std::ops::Deref;

use carshare_outbound::HttpClient;
use carshare_payment::provider::toss::TossClient;
use carshare_payment::store::invariants;
use carshare_payment::{Config, Payment as PaymentService};
use carshare_proto::payment::v1::payment_service_client::PaymentServiceClient;
use carshare_proto::payment::v1::*;
use carshare_sandbox::Sandbox;
use carshare_service_testkit::{Setup, TestService};
use chrono::DateTime;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::transport::Channel;

use crate::instance::Instance;
use crate::log_capture;

/// Amount of a booking in won, where a test names none.
pub const PRICE: i64 = 45_000;

pub use carshare_sandbox::GOOD_CARD;
pub use carshare_service_testkit::{
    Person, WAIT_TIMEOUT, assert_code, assert_reason, into_message, wait_until, with_idempotency_key,
};

pub use crate::booking::Booking;
pub use crate::queries::Row;

/// A running service with Toss, a manual clock and clients.
pub struct Harness {
    pub sandbox: Sandbox,
    pub client: PaymentServiceClient<Channel>,
    pub instance: Instance,
    pub toss: TossClient,
    /// Client of Toss's registration and payment windows.
    pub window: HttpClient,
    pub service: TestService<PaymentService>,
}

impl Deref for Harness {
    type Target = TestService<PaymentService>;

    fn deref(&self) -> &Self::Target {
        &self.service
    }
}

impl Harness {
    /// Starts the service at 2026-11-22T12:00:00Z.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts the service with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        log_capture::start();
        let setup = Setup::<PaymentService>::new("2026-11-22T12:00:00Z", &["auth", "booking"]);
        let environment = setup.environment().clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = carshare_sandbox::Config::default();
        let sandbox = Sandbox::start(config, environment.clone(), listener)
            .await
            .unwrap();
        let service = setup
            .env("SEAL__PRIMARY", "k1")
            .env("SEAL__KEYS__K1", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .env("TOSS__SECRET_KEY", "test_sk_carshare_sandbox")
            .env("TOSS__HTTP__BASE_URL", format!("{}/toss", sandbox.url()))
            // No retries: tests count requests, and delays between retries would wait for the manual clock.
            .env("TOSS__HTTP__MAX_RETRIES", "0")
            .env("TOSS__HTTP__BREAKER_FAILURES", "1000")
            .prepare(change)
            .await;
        let instance = Instance::start(&service.config, &environment).await;
        let toss = &service.config.service.toss;
        Self {
            client: client(&instance),
            toss: TossClient::new(toss, environment.clone()).unwrap(),
            window: HttpClient::new("window", toss.http.clone(), environment).unwrap(),
            sandbox,
            instance,
            service,
        }
    }

    /// Ends the test: asserts the invariants and that every event was sent, then shuts the service down gracefully.
    pub async fn finish(self) {
        self.assert_invariants().await;
        self.all_sent().await;
        self.instance.stop().await;
        self.service.finish([]).await;
        self.sandbox.shutdown().await;
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
