//! Hosts with cars and guests with cards, created over REST. Calls on bookings are repeated until they are answered.

use std::sync::atomic::{AtomicU32, Ordering};

use carshare_testkit::eventually;
use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::TIMEOUT;
use super::deployment::Deployment;
use super::rest::{Response, Rest, new_key};

/// Under faults a payment can become due late.
const CHECKOUT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(90);

pub const PASSWORD: &str = "correct horse 42";

/// Source of the numbers in e-mail addresses and license plates.
static NUMBER: AtomicU32 = AtomicU32::new(1);

static SLOT: AtomicU32 = AtomicU32::new(1);

fn number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

#[derive(Clone)]
pub struct Host {
    pub id: String,
    pub email: String,
    pub rest: Rest,
}

pub struct Guest {
    pub id: String,
    pub email: String,
    pub rest: Rest,
    sandbox: String,
}

/// A period to book.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// Slots until the horizon of bookings.
const SLOTS: u32 = 600;

/// Four hours, days after `now`. None of the next 600 calls returns them.
pub fn next_slot(now: DateTime<Utc>) -> Slot {
    let slot = SLOT.fetch_add(1, Ordering::Relaxed) % SLOTS;
    let start = now.trunc_subsecs(0) + Duration::days(3) + Duration::hours(6 * i64::from(slot));
    Slot {
        start,
        end: start + Duration::hours(4),
    }
}

impl Slot {
    pub fn json(self) -> Value {
        json!({ "start_datetime": self.start.to_rfc3339(), "end_datetime": self.end.to_rfc3339() })
    }

    pub fn query(self) -> String {
        let text = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        format!(
            "start_datetime={}&end_datetime={}",
            text(self.start),
            text(self.end)
        )
    }
}

/// The `id` of a resource.
pub fn id(resource: &Value) -> String {
    resource["id"].as_str().expect("an id").to_owned()
}

async fn register(rest: &Rest, role: &str) -> (String, String, Rest) {
    let email = format!("{role}{}@example.com", number());
    let account = json!({
        "email": email, "password": PASSWORD, "name": "박서준", "phone": "010-2345-6789", "role": role,
    });
    let session = rest.post("/v1/auth/register", &account).await.ok(201);
    let token = session["access_token"].as_str().expect("a token");
    (id(&session["user"]), email, rest.signed_in(token))
}

async fn login(rest: &Rest, email: &str) -> Rest {
    let credentials = json!({ "email": email, "password": PASSWORD });
    let session = rest.post("/v1/auth/login", &credentials).await.ok(200);
    rest.signed_in(session["access_token"].as_str().expect("a token"))
}

impl Host {
    pub async fn register(mesh: &impl Deployment) -> Self {
        let (id, email, rest) = register(&Rest::of(mesh), "host").await;
        Self { id, email, rest }
    }

    /// A new session, for when the access token has expired.
    pub async fn sign_in(&self) -> Rest {
        login(&self.rest, &self.email).await
    }

    /// Registers a car at the city hall for 20,000 won an hour, without a photo.
    pub async fn new_car(&self) -> Response {
        let car = json!({
            "license_plate": format!("{}하{:04}", 10 + number() / 9000, 1000 + number() % 9000),
            "make": "Genesis", "model": "G80", "year": 2025, "fuel_type": "gasoline", "transmission": "automatic",
            "hourly_rate": 20_000, "location_address": "서울 중구 세종대로 110",
        });
        self.rest.post("/v1/vehicles", &car).await
    }

    /// The id of a new car that can be booked.
    pub async fn car(&self) -> String {
        let car = self.new_car().await.ok(201);
        let id = id(&car);
        let active = self.add_photo(&id).await.ok(200);
        assert_eq!(active["status"], "active");
        id
    }

    /// Creates, uploads and completes a photo.
    pub async fn add_photo(&self, vehicle_id: &str) -> Response {
        let photo = photo();
        let announced = json!({ "content_type": "image/png", "size_bytes": photo.len() });
        let upload = self
            .rest
            .post(&format!("/v1/vehicles/{vehicle_id}/images"), &announced)
            .await
            .ok(201);
        let sent = put(&upload, photo).await;
        assert_eq!(sent, 200);
        let image_id = upload["image_id"].as_str().expect("an id");
        let path = format!("/v1/vehicles/{vehicle_id}/images/{image_id}/complete");
        self.rest.put(&path, &json!({})).await
    }

    pub async fn approve(&self, booking_id: &str) -> Response {
        let path = format!("/v1/bookings/{booking_id}/approve");
        self.rest
            .send_until_answered(Method::PUT, &path, &json!({}))
            .await
    }
}

impl Guest {
    pub async fn register(mesh: &impl Deployment) -> Self {
        let (id, email, rest) = register(&Rest::of(mesh), "guest").await;
        Self {
            id,
            email,
            rest,
            sandbox: mesh.sandbox().url().to_owned(),
        }
    }

    /// A new session, for when the access token has expired.
    pub async fn sign_in(&self) -> Rest {
        login(&self.rest, &self.email).await
    }

    /// Registers a card by its number; some numbers of the sandbox are declined.
    pub async fn add_card(&self, card_number: &str) -> Response {
        let customer = self.rest.read("/v1/payments/customer").await;
        let card = json!({
            "customerKey": customer["customer_key"], "cardNumber": card_number,
            "cardExpirationYear": "30", "cardExpirationMonth": "12",
        });
        let window = Rest::at(&self.sandbox);
        let registered = window.post("/toss/sandbox/cards", &card).await.ok(201);
        let method = json!({ "auth_key": registered["authKey"] });
        self.rest
            .send_until_answered(Method::POST, "/v1/payments/methods", &method)
            .await
    }

    /// A guest with a card that is not declined.
    pub async fn with_card(mesh: &impl Deployment) -> Self {
        let guest = Self::register(mesh).await;
        guest.add_card(carshare_sandbox::GOOD_CARD).await.ok(201);
        guest
    }

    pub async fn book(&self, vehicle_id: &str, slot: Slot) -> Response {
        let mut request = slot.json();
        request["vehicle_id"] = json!(vehicle_id);
        self.rest
            .send_until_answered(Method::POST, "/v1/bookings", &request)
            .await
    }

    /// The id of a new booking.
    pub async fn request(&self, vehicle_id: &str, slot: Slot) -> String {
        id(&self.book(vehicle_id, slot).await.ok(201))
    }

    pub async fn booking(&self, booking_id: &str) -> Value {
        self.rest.read(&format!("/v1/bookings/{booking_id}")).await
    }

    /// The booking, as soon as the condition holds.
    pub async fn wait_for_booking(&self, booking_id: &str, condition: impl Fn(&Value) -> bool) -> Value {
        eventually(TIMEOUT, || async {
            let booking = self.booking(booking_id).await;
            condition(&booking).then_some(booking)
        })
        .await
    }

    /// The booking, as soon as it is approved and paid.
    pub async fn confirmed(&self, booking_id: &str) -> Value {
        self.wait_for_booking(booking_id, |b| {
            b["status"] == "approved" && b["payment_status"] == "paid"
        })
        .await
    }

    pub async fn payment(&self, booking_id: &str) -> Value {
        self.rest
            .read(&format!("/v1/payments/bookings/{booking_id}"))
            .await
    }

    /// Pays in the payment window of the sandbox, as soon as the payment is due: the body of `POST /v1/payments/process`.
    pub async fn checkout(&self, booking_id: &str) -> Value {
        let path = format!("/v1/payments/bookings/{booking_id}");
        let key = new_key();
        let payment = eventually(CHECKOUT_TIMEOUT, || async {
            let response = self.rest.attempt(&Method::GET, &path, &key, &Value::Null).await?;
            (response.status == 200).then_some(response.body)
        })
        .await;
        let (order, amount) = (&payment["order_id"], &payment["amount"]);
        let checkout = json!({ "orderId": order, "amount": amount, "orderName": "G80" });
        let window = Rest::at(&self.sandbox);
        let paid = window.post("/toss/sandbox/checkout", &checkout).await.ok(201);
        json!({ "booking_id": booking_id, "payment_key": paid["paymentKey"], "order_id": order, "amount": amount })
    }

    pub async fn cancel(&self, booking_id: &str) -> Response {
        let path = format!("/v1/bookings/{booking_id}/cancel");
        self.rest
            .send_until_answered(Method::PUT, &path, &json!({}))
            .await
    }

    /// Returns whether search shows the car for this period.
    pub async fn finds(&self, vehicle_id: &str, slot: Slot) -> bool {
        let path = format!(
            "/v1/vehicles?lat=37.5663&lng=126.9778&radius=1&page_size=200&{}",
            slot.query()
        );
        let cars = self.rest.read(&path).await;
        cars.as_array()
            .expect("a bare array")
            .iter()
            .any(|car| car["id"] == vehicle_id)
    }
}

/// Uploads bytes as an `ImageUpload` says; the status of the object store.
pub async fn put(upload: &Value, bytes: Vec<u8>) -> u16 {
    let http = reqwest::Client::builder().build().expect("a client");
    let mut request = http.put(upload["url"].as_str().expect("a url")).body(bytes);
    for (name, value) in upload["headers"].as_object().expect("headers") {
        // The client sets the length of the real body.
        if name == "content-length" {
            continue;
        }
        request = request.header(name, value.as_str().expect("text"));
    }
    request.send().await.expect("a response").status().as_u16()
}

/// A PNG of one pixel.
pub fn photo() -> Vec<u8> {
    use base64::Engine as _;
    let text =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
}
