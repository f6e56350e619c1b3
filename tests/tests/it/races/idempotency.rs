//! `Idempotency-Key`: repeated calls have the first call's response.

use bytes::Bytes;
use carshare_mesh::Mesh;
use carshare_proto::booking::v1::{Booking, CreateBookingRequest};
use futures::future::join_all;
use prost::Message as _;
use prost_types::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{GrpcClient, Guest, Host, Rest, Slot, mesh, next_slot, with_session};

/// Sends a call with an idempotency key: status and the body's bytes.
async fn once(rest: &Rest, (method, path): (Method, &str), key: &str, body: &Value) -> (u16, Bytes) {
    let request = rest
        .request(method, path)
        .header("idempotency-key", key)
        .json(body);
    let reply = request.send().await.expect("a response");
    (reply.status().as_u16(), reply.bytes().await.expect("a body"))
}

fn booking(car: &str, slot: Slot) -> Value {
    let mut body = slot.json();
    body["vehicle_id"] = json!(car);
    body
}

async fn bookings(guest: &Guest) -> usize {
    let listed = guest.rest.get("/v1/bookings").await.ok(200);
    listed.as_array().expect("a list").len()
}

async fn car(mesh: &Mesh) -> (Host, String) {
    let host = Host::register(mesh).await;
    let car = host.car().await;
    (host, car)
}

const BOOK: (Method, &str) = (Method::POST, "/v1/bookings");

#[tokio::test(flavor = "multi_thread")]
async fn repeated_call_has_the_same_response_bytes_after_later_changes() {
    let mesh = mesh().await;
    let (host, car) = car(&mesh).await;
    let guest = Guest::with_card(&mesh).await;
    let request = booking(&car, next_slot(mesh.now()));
    let first = once(&guest.rest, BOOK, "key-1", &request).await;
    assert_eq!(first.0, 201, "{:?}", first.1);
    let made: Value = serde_json::from_slice(&first.1).expect("JSON");
    let id = made["id"].as_str().expect("an id");

    let path = format!("/v1/bookings/{id}/approve");
    let approve = (Method::PUT, path.as_str());
    let approved = once(&host.rest, approve.clone(), "key-1", &json!({})).await;
    assert_eq!(
        approved.0, 200,
        "the key of another caller and another call is another key"
    );
    guest.confirmed(id).await;

    assert_eq!(once(&guest.rest, BOOK, "key-1", &request).await, first);
    assert_eq!(once(&host.rest, approve, "key-1", &json!({})).await, approved);
    assert_eq!(bookings(&guest).await, 1);
    let other = booking(&car, next_slot(mesh.now()));
    let refused = guest
        .rest
        .post_once(BOOK.1, "key-1", &other)
        .await
        .expect_error(422, "COMMON003");
    assert_eq!(
        refused["detail"],
        "이미 다른 요청에 사용된 Idempotency-Key입니다."
    );
    assert_eq!(bookings(&guest).await, 1);
    // Without a key it is a new request, and the slot is taken.
    guest
        .rest
        .post(BOOK.1, &request)
        .await
        .expect_error(409, "BOOKING002");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_repeats_have_one_response() {
    let mesh = mesh().await;
    let (_, car) = car(&mesh).await;
    let guest = Guest::register(&mesh).await;
    let request = booking(&car, next_slot(mesh.now()));
    let replies = join_all((0..10).map(|_| once(&guest.rest, BOOK, "key-2", &request))).await;
    assert_eq!(replies[0].0, 201, "{:?}", replies[0].1);
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    assert_eq!(bookings(&guest).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_keys_are_per_user_and_errors_are_not_stored() {
    let mesh = mesh().await;
    let (_, car) = car(&mesh).await;
    let (one, two) = (Guest::with_card(&mesh).await, Guest::with_card(&mesh).await);
    let slot = next_slot(mesh.now());
    let request = booking(&car, slot);
    let made = once(&one.rest, BOOK, "the-same-key", &request).await;
    assert_eq!(made.0, 201);
    // The same key and body of another user is another call.
    two.rest
        .post_once(BOOK.1, "the-same-key", &request)
        .await
        .expect_error(409, "BOOKING002");
    let other = two
        .rest
        .post_once(BOOK.1, "another-key", &booking(&car, next_slot(mesh.now())))
        .await
        .ok(201);
    assert_eq!(other["guest_id"], json!(two.id));
    // The slot is free again: an error is not stored, so the same key can succeed.
    let made: Value = serde_json::from_slice(&made.1).expect("JSON");
    one.cancel(made["id"].as_str().expect("an id")).await.ok(200);
    carshare_testkit::eventually_true(crate::harness::TIMEOUT, || two.finds(&car, slot)).await;
    let second = once(&two.rest, BOOK, "the-same-key", &request).await;
    assert_eq!(second.0, 201, "{:?}", second.1);
    assert_eq!(once(&two.rest, BOOK, "the-same-key", &request).await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_call_over_another_protocol_has_the_same_response() {
    let mesh = mesh().await;
    let (_, car) = car(&mesh).await;
    let guest = Guest::register(&mesh).await;
    let slot = next_slot(mesh.now());
    let made: Value = serde_json::from_slice(&once(&guest.rest, BOOK, "key-3", &booking(&car, slot)).await.1)
        .expect("JSON");
    let at = |at: chrono::DateTime<chrono::Utc>| {
        Some(Timestamp {
            seconds: at.timestamp(),
            nanos: 0,
        })
    };
    let message = CreateBookingRequest {
        vehicle_id: car,
        start_datetime: at(slot.start),
        end_datetime: at(slot.end),
        guest_message: None,
        quote_token: None,
        coupon_code: None,
    };
    let path = "/carshare.booking.v1.BookingService/CreateBooking";
    for wire in GrpcClient::all(&mesh).await {
        let mut request = with_session(&guest.rest, message.encode_to_vec());
        request
            .metadata_mut()
            .insert("idempotency-key", "key-3".parse().expect("ASCII"));
        let reply = wire.send(path, request).await.expect("a booking");
        let again = Booking::decode(&reply[..]).expect("a booking");
        assert_eq!(json!(again.id), made["id"], "{:?}", wire.form);
    }
    assert_eq!(bookings(&guest).await, 1);
}

/// Responses with tokens and signatures are replayed too.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_uploads_and_devices_are_replayed() {
    let mesh = mesh().await;
    let anonymous = Rest::of(&mesh);
    let account = json!({
        "email": "once@example.com", "password": "correct horse 42", "name": "이", "phone": "010-2345-6789", "role": "host",
    });
    let register = (Method::POST, "/v1/auth/register");
    let session = once(&anonymous, register.clone(), "key-4", &account).await;
    assert_eq!(session.0, 201, "{:?}", session.1);
    assert_eq!(once(&anonymous, register, "key-4", &account).await, session);
    let session: Value = serde_json::from_slice(&session.1).expect("JSON");
    let refresh = json!({ "refresh_token": session["refresh_token"] });
    let path = (Method::POST, "/v1/auth/refresh");
    let renewed = once(&anonymous, path.clone(), "key-5", &refresh).await;
    assert_eq!(renewed.0, 200);
    assert_eq!(
        once(&anonymous, path, "key-5", &refresh).await,
        renewed,
        "a lost reply is not a reuse"
    );

    let host = Host::register(&mesh).await;
    let car = host.new_car().await.ok(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/v1/vehicles/{car}/images");
    let photo = json!({ "content_type": "image/png", "size_bytes": 70 });
    let upload = once(&host.rest, (Method::POST, &path), "key-6", &photo).await;
    assert_eq!(upload.0, 201);
    for _ in 0..5 {
        assert_eq!(
            once(&host.rest, (Method::POST, &path), "key-6", &photo).await,
            upload
        );
    }
    let device = json!({ "token": "phone", "platform": "ios" });
    let path = (Method::POST, "/v1/notifications/devices");
    let registered = once(&host.rest, path.clone(), "key-7", &device).await;
    assert_eq!(registered.0, 201);
    assert_eq!(once(&host.rest, path, "key-7", &device).await, registered);
}
