//! The captured journey: registration, a booking with its payment and refund, and failing requests.

mod failures;

use std::path::Path;

use carshare_chassis::Environment;
use carshare_mesh::Fleet;
use carshare_sandbox::{GOOD_CARD, Provider, RequestRecord};
use carshare_testkit::eventually_true;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::capture::PROCESSES;
use crate::harness::{Guest, Host, Response, Rest, TIMEOUT, invariants, next_slot};

/// A text that must not be written anywhere.
#[derive(Clone, Debug)]
pub struct Secret {
    pub what: &'static str,
    pub text: String,
}

/// A request with the client's trace and correlation id.
pub struct TracedRequest {
    pub correlation_id: &'static str,
    pub trace: &'static str,
    /// The client's span, to which the gateway's is linked.
    pub client: &'static str,
    /// The correlation id of the response.
    pub answered: String,
}

pub struct Journey {
    pub guest: Rest,
    pub booking_id: String,
    pub requested: TracedRequest,
    pub approved: TracedRequest,
    pub cancelled: TracedRequest,
    /// The `traceparent` of the charge at Toss.
    pub charge_traceparent: String,
}

const HOST_DEVICE: &str = "fcm-device-of-the-host:APA91bHun4MxP5egoKMwt2KZFBaFUH";
const GUEST_DEVICE: &str = "fcm-device-of-the-guest:APA91bGkQo7rTz0Yx3VnCqLmSd";

impl Secret {
    pub fn new(what: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        assert!(text.len() >= 8, "{what} {text:?} would be found by chance");
        Self { what, text }
    }
}

pub async fn take(fleet: &Fleet) -> (Journey, Vec<Secret>) {
    let (host, guest) = (Host::register(fleet).await, Guest::with_card(fleet).await);
    let car = prepare(fleet, &host, &guest).await;

    let mut body = next_slot(Environment::system().clock.now()).json();
    body["vehicle_id"] = json!(car);
    let request = guest.rest.request(Method::POST, "/v1/bookings").json(&body);
    let (requested, booking) = TracedRequest::REQUESTED.send(request, 201).await;
    let booking_id = booking["id"].as_str().expect("an id").to_owned();
    pushed(fleet, HOST_DEVICE, "booking.requested").await;

    let change = |rest: &Rest, verb: &str| {
        let path = format!("/v1/bookings/{booking_id}/{verb}");
        rest.request(Method::PUT, &path).json(&json!({}))
    };
    let (approved, _) = TracedRequest::APPROVED
        .send(change(&host.rest, "approve"), 200)
        .await;
    for kind in ["booking.approved", "payment.completed", "booking.confirmed"] {
        pushed(fleet, GUEST_DEVICE, kind).await;
    }
    pushed(fleet, HOST_DEVICE, "booking.confirmed").await;

    let (cancelled, _) = TracedRequest::CANCELLED
        .send(change(&guest.rest, "cancel"), 200)
        .await;
    for kind in ["booking.cancelled", "payment.refunded"] {
        pushed(fleet, GUEST_DEVICE, kind).await;
    }
    pushed(fleet, HOST_DEVICE, "booking.cancelled").await;

    let mut secrets = failures::trigger(fleet, &host, &guest, &car).await;
    invariants::assert_hold(fleet).await;
    secrets.extend([
        Secret::new("access token", host.rest.token()),
        Secret::new("access token", guest.rest.token()),
        Secret::new("e-mail address", &guest.email),
        Secret::new("card number", GOOD_CARD),
        Secret::new("FCM token", HOST_DEVICE),
        Secret::new("FCM token", GUEST_DEVICE),
    ]);
    secrets.extend(known_to_toss(fleet));
    let journey = Journey {
        guest: guest.rest,
        booking_id,
        requested,
        approved,
        cancelled,
        charge_traceparent: charge_traceparent(fleet),
    };
    (journey, secrets)
}

/// Registers a car and two devices, and warms caches whose first use would add spans; the car's id.
async fn prepare(fleet: &Fleet, host: &Host, guest: &Guest) -> String {
    // Webhooks would add spans at any time.
    fleet.sandbox().set_webhook_url(None);
    for (rest, token) in [(&host.rest, HOST_DEVICE), (&guest.rest, GUEST_DEVICE)] {
        let device = json!({ "token": token, "platform": "android" });
        rest.post("/v1/notifications/devices", &device).await.ok(201);
    }
    let car = host.car().await;
    // Afterwards notification has an access token for FCM,
    pushed(fleet, HOST_DEVICE, "vehicle.activated").await;
    // and after this call every service has the keys of access tokens.
    guest.rest.get("/v1/bookings").await.ok(200);
    car
}

fn charge_traceparent(fleet: &Fleet) -> String {
    let mut requests = fleet.sandbox().requests().into_iter();
    let charge = requests.find(|request| request.method == "POST" && billing_key(request).is_some());
    charge
        .and_then(|charge| charge.traceparent)
        .expect("a charge with its trace")
}

impl TracedRequest {
    const REQUESTED: Self = Self::new(
        "app-7f3a.requests",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "00f067aa0ba902b7",
    );
    const APPROVED: Self = Self::new(
        "app-7f3a.approves",
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
    );
    const CANCELLED: Self = Self::new(
        "app-7f3a.cancels",
        "5b8aa5a2d2c872e8321cf37308d69df2",
        "5fb397be34d26b51",
    );

    const fn new(correlation_id: &'static str, trace: &'static str, client: &'static str) -> Self {
        Self {
            correlation_id,
            trace,
            client,
            answered: String::new(),
        }
    }

    async fn send(mut self, request: RequestBuilder, status: u16) -> (Self, Value) {
        let request = request
            .header("traceparent", format!("00-{}-{}-01", self.trace, self.client))
            .header("x-correlation-id", self.correlation_id);
        let response = Response::of(request).await;
        let answered = response
            .headers
            .get("x-correlation-id")
            .expect("a correlation id");
        answered.to_str().expect("ASCII").clone_into(&mut self.answered);
        (self, response.ok(status))
    }
}

/// Waits for the push to a device about this event.
async fn pushed(fleet: &Fleet, device: &str, kind: &str) {
    eventually_true(TIMEOUT, || async {
        let pushes = fleet.sandbox().pushes();
        pushes
            .iter()
            .any(|push| push.token == device && push.data["type"] == kind)
    })
    .await;
}

/// Secrets of the configuration.
pub fn keys(fleet: &Fleet, data: &Path) -> Vec<Secret> {
    let sandbox = carshare_sandbox::Config::default();
    let sealing_key = std::fs::read_to_string(data.join("sealing-key")).expect("a key");
    let account = fleet.sandbox().service_account_json();
    let key = account["private_key"].as_str().expect("a key").to_owned();
    let mut keys = vec![
        Secret::new("sealing key", sealing_key.trim()),
        Secret::new("Toss secret key", sandbox.toss_secret_key),
        Secret::new("Kakao key", sandbox.kakao_rest_key),
        Secret::new("S3 secret key", &fleet.dependencies().s3.secret_key),
        Secret::new("private key", "PRIVATE KEY"),
        Secret::new("URL of a database", "postgres://"),
        Secret::new("URL of Redis", "redis://"),
        Secret::new("bearer", "Bearer e"),
        Secret::new("token of JWT form", "eyJhbGciOi"),
    ];
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    keys.extend(lines.take(2).map(|line| Secret::new("service-account key", line)));
    keys
}

/// Billing keys and payment keys.
fn known_to_toss(fleet: &Fleet) -> Vec<Secret> {
    let requests = fleet.sandbox().requests();
    let keys = requests.iter().filter_map(billing_key);
    let mut secrets: Vec<_> = keys.map(|key| Secret::new("billing key", key)).collect();
    assert!(!secrets.is_empty(), "nothing was charged");
    let payments = fleet.sandbox().payments();
    secrets.extend(
        payments
            .into_iter()
            .map(|payment| Secret::new("payment key", payment.payment_key)),
    );
    secrets
}

/// The billing key in the path of a request to Toss.
fn billing_key(request: &RequestRecord) -> Option<&str> {
    let key = request.path.strip_prefix("/v1/billing/")?;
    (request.provider == Provider::Toss && !key.starts_with("authorizations")).then_some(key)
}

#[test]
fn every_process_is_captured() {
    let mut all = carshare_mesh::dependencies::SERVICES.to_vec();
    all.push("gateway");
    all.sort_unstable();
    assert_eq!(all, PROCESSES);
}
