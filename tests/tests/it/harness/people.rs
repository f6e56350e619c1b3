//! Hosts with cars and guests with cards, made through the front door.

use std::sync::atomic::{AtomicU32, Ordering};

use carshare_testkit::eventually;
use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use serde_json::{Value, json};

use super::TIMEOUT;
use super::rest::{Answer, Rest};
use super::running::Running;

pub const PASSWORD: &str = "correct horse 42";

/// Everything that has to be unique in a mesh takes its number from here.
static NUMBER: AtomicU32 = AtomicU32::new(1);

fn number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

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

/// A span of time to book.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// Four hours that nobody else in the test has, days after `now`.
pub fn next_slot(now: DateTime<Utc>) -> Slot {
    let start = now.trunc_subsecs(0) + Duration::days(3) + Duration::hours(6 * i64::from(number()));
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

async fn register(rest: &Rest, role: &str) -> (String, String, Rest) {
    let email = format!("{role}{}@example.com", number());
    let account = json!({
        "email": email, "password": PASSWORD, "name": "박서준", "phone": "010-2345-6789", "role": role,
    });
    let session = rest.post("/v1/auth/register", &account).await.ok(201);
    let id = session["user"]["id"].as_str().expect("an id").to_owned();
    (
        id,
        email,
        rest.signed_in(session["access_token"].as_str().expect("a token")),
    )
}

async fn login(rest: &Rest, email: &str) -> Rest {
    let credentials = json!({ "email": email, "password": PASSWORD });
    let session = rest.post("/v1/auth/login", &credentials).await.ok(200);
    rest.signed_in(session["access_token"].as_str().expect("a token"))
}

impl Host {
    pub async fn register(mesh: &impl Running) -> Self {
        let (id, email, rest) = register(&Rest::new(mesh.gateway()), "host").await;
        Self { id, email, rest }
    }

    /// Signed in anew, after a token's time.
    pub async fn sign_in(&self) -> Rest {
        login(&self.rest, &self.email).await
    }

    /// A car at the city hall for 20,000 won an hour, without a photo.
    pub async fn new_car(&self) -> Answer {
        let car = json!({
            "license_plate": format!("{}하{:04}", 10 + number() / 9000, 1000 + number() % 9000),
            "make": "Genesis", "model": "G80", "year": 2025, "fuel_type": "gasoline", "transmission": "automatic",
            "hourly_rate": 20_000, "location_address": "서울 중구 세종대로 110",
        });
        self.rest.post("/v1/vehicles", &car).await
    }

    /// A car that can be booked; its id.
    pub async fn car(&self) -> String {
        let car = self.new_car().await.ok(201);
        let id = car["id"].as_str().expect("an id").to_owned();
        let active = self.add_photo(&id).await.ok(200);
        assert_eq!(active["status"], "active");
        id
    }

    /// Announces, uploads and completes a photo.
    pub async fn add_photo(&self, vehicle_id: &str) -> Answer {
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
        self.rest
            .post(
                &format!("/v1/vehicles/{vehicle_id}/images/{image_id}:complete"),
                &json!({}),
            )
            .await
    }

    pub async fn approve(&self, booking_id: &str) -> Answer {
        self.rest
            .put(&format!("/v1/bookings/{booking_id}/approve"), &json!({}))
            .await
    }
}

impl Guest {
    pub async fn register(mesh: &impl Running) -> Self {
        let (id, email, rest) = register(&Rest::new(mesh.gateway()), "guest").await;
        Self {
            id,
            email,
            rest,
            sandbox: mesh.sandbox().url().to_owned(),
        }
    }

    /// Signed in anew, after a token's time.
    pub async fn sign_in(&self) -> Rest {
        login(&self.rest, &self.email).await
    }

    /// Registers a card by its number; the sandbox knows numbers that decline.
    pub async fn add_card(&self, card_number: &str) -> Answer {
        let customer = self.rest.get("/v1/payments/customer").await.ok(200);
        let card = json!({
            "customerKey": customer["customer_key"], "cardNumber": card_number,
            "cardExpirationYear": "30", "cardExpirationMonth": "12",
        });
        let window = Rest::new(&self.sandbox).post("/toss/sandbox/cards", &card).await;
        assert!(window.status.is_success(), "{}", window.body);
        self.rest
            .post(
                "/v1/payments/methods",
                &json!({ "auth_key": window.body["authKey"] }),
            )
            .await
    }

    /// A guest whose card works.
    pub async fn with_card(mesh: &impl Running) -> Self {
        let guest = Self::register(mesh).await;
        guest.add_card(carshare_sandbox::GOOD_CARD).await.ok(201);
        guest
    }

    pub async fn book(&self, vehicle_id: &str, slot: Slot) -> Answer {
        let mut request = slot.json();
        request["vehicle_id"] = json!(vehicle_id);
        self.rest.post("/v1/bookings", &request).await
    }

    pub async fn booking(&self, booking_id: &str) -> Value {
        self.rest.get(&format!("/v1/bookings/{booking_id}")).await.ok(200)
    }

    /// The booking, as soon as it looks like this.
    pub async fn booking_when(&self, booking_id: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually(TIMEOUT, || async {
            let booking = self.booking(booking_id).await;
            is_it(&booking).then_some(booking)
        })
        .await
    }

    /// The booking, as soon as it is approved and paid.
    pub async fn confirmed(&self, booking_id: &str) -> Value {
        self.booking_when(booking_id, |b| {
            b["status"] == "approved" && b["payment_status"] == "paid"
        })
        .await
    }

    /// The payment of a booking.
    pub async fn payment(&self, booking_id: &str) -> Value {
        self.rest
            .get(&format!("/v1/payments/bookings/{booking_id}"))
            .await
            .ok(200)
    }

    pub async fn cancel(&self, booking_id: &str) -> Answer {
        self.rest
            .put(&format!("/v1/bookings/{booking_id}/cancel"), &json!({}))
            .await
    }

    /// Does search show the car for this time?
    pub async fn finds(&self, vehicle_id: &str, slot: Slot) -> bool {
        let path = format!(
            "/v1/vehicles?lat=37.5663&lng=126.9778&radius=1&page_size=200&{}",
            slot.query()
        );
        let cars = self.rest.get(&path).await.ok(200);
        cars.as_array()
            .expect("a bare array")
            .iter()
            .any(|car| car["id"] == vehicle_id)
    }
}

/// Sends bytes where an `ImageUpload` says; the status of the object store.
pub async fn put(upload: &Value, bytes: Vec<u8>) -> u16 {
    let http = reqwest::Client::builder().build().expect("a client");
    let mut request = http.put(upload["url"].as_str().expect("a url")).body(bytes);
    for (name, value) in upload["headers"].as_object().expect("headers") {
        // The length of what is really sent speaks for itself.
        if name == "content-length" {
            continue;
        }
        request = request.header(name, value.as_str().expect("text"));
    }
    request.send().await.expect("an answer").status().as_u16()
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
