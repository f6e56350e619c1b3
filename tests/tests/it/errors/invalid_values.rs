//! Invalid values in well-formed requests: wrong types, out of range, with NUL characters.

use carshare_mesh::Mesh;
use carshare_proto::booking::v1::CreateBookingRequest;
use carshare_proto::vehicle::v1::{CreateVehicleRequest, SearchVehiclesRequest};
use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value, json};

use super::case::{Faults, expect_rest_error, faults};
use super::grpc::expect_error as expect_grpc_error;
use crate::harness::{GrpcClient, Guest, Host, Rest, Slot, mesh, next_slot};

const INVALID: (u16, &str) = (400, "COMMON001");
const ID: &str = "5b0e0000-0000-7000-8000-000000000001";

async fn accounts(mesh: &Mesh) -> (Rest, Rest) {
    (Host::register(mesh).await.rest, Guest::register(mesh).await.rest)
}

async fn check(rest: &Rest, target: &str, body: Value, expected: Faults) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let problem = expect_rest_error(rest, target, body, INVALID).await;
    let mut found = faults(&problem);
    found.sort_unstable();
    assert_eq!(found, expected, "{target}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_of_a_wrong_type_is_named() {
    let mesh = mesh().await;
    let (host, guest) = accounts(&mesh).await;
    let vehicle = json!({
        "license_plate": 7, "make": ["Kia"], "model": {}, "year": 3_000_000_000_u64, "fuel_type": "steam", "transmission": 7,
        "hourly_rate": 1.5, "location_address": true, "colour": "red",
    });
    let expected: Faults = &[
        ("colour", "UNKNOWN_FIELD"),
        ("fuel_type", "ENUM"),
        ("hourly_rate", "TYPE"),
        ("license_plate", "TYPE"),
        ("location_address", "TYPE"),
        ("make", "TYPE"),
        ("model", "TYPE"),
        ("transmission", "ENUM"),
        ("year", "RANGE"),
    ];
    check(&host, "POST /v1/vehicles", vehicle, expected).await;
    let change = json!({ "vehicle_id": ID, "status": "ACTIVE", "hourly_rate": 1e30 });
    let expected: Faults = &[
        ("hourly_rate", "RANGE"),
        ("status", "ENUM"),
        ("vehicle_id", "GIVEN_BY_PATH"),
    ];
    check(&host, &format!("PUT /v1/vehicles/{ID}"), change, expected).await;
    let times = json!({ "start_datetime": "tomorrow", "end_datetime": "2026-02-30T00:00:00Z" });
    let expected: Faults = &[("end_datetime", "TYPE"), ("start_datetime", "TYPE")];
    check(&guest, "POST /v1/bookings", times, expected).await;
    let query = "GET /v1/bookings?page_size=99999999999&status=king&page_size=1&state=x";
    let expected: Faults = &[
        ("page_size", "REPEATED"),
        ("state", "UNKNOWN_FIELD"),
        ("status", "ENUM"),
    ];
    check(&guest, query, Value::Null, expected).await;
    let query = "GET /v1/vehicles?lat=north&lng=NaN&radius=1e999&start_datetime=%FF";
    let expected: Faults = &[
        ("lat", "TYPE"),
        ("lng", "TYPE"),
        ("radius", "TYPE"),
        ("start_datetime", "UTF8"),
    ];
    check(&guest, query, Value::Null, expected).await;
    let expected: Faults = &[("vehicle_id", "UNKNOWN_FIELD")];
    check(&guest, "POST /v1/bookings?vehicle_id=x", json!({}), expected).await;
    // The nesting limit counts protobuf messages, of which each JSON level becomes three.
    let deep = (0..40).fold(json!(1), |inner, _| json!({ "a": inner }));
    check(&guest, "POST /v1/payments/webhook", deep, &[("", "MALFORMED")]).await;
    let problem = expect_rest_error(&guest, "POST /v1/payments/webhook", String::new(), INVALID).await;
    assert_eq!(faults(&problem), [("payload", "REQUIRED")]);
}

fn account(name: &str) -> Value {
    json!({ "email": "nul@example.com", "password": "correct horse 42", "name": name, "phone": "010-1234-5678", "role": "guest" })
}

fn vehicle(make: &str) -> Value {
    json!({
        "license_plate": "12하3456", "make": make, "model": "Ray", "year": 2024, "hourly_rate": 7_000,
        "location_address": "서울 중구 세종대로 110",
    })
}

fn booking(vehicle_id: &str, slot: Slot, guest_message: &str) -> Value {
    let mut booking = slot.json();
    booking["vehicle_id"] = json!(vehicle_id);
    booking["guest_message"] = json!(guest_message);
    booking
}

/// PostgreSQL cannot store NUL in a text.
#[tokio::test(flavor = "multi_thread")]
async fn nul_in_a_text_is_a_violation_of_its_field() {
    let mesh = mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let id = guest.request(&car, slot).await;
    let id = id.as_str();
    let nul = "a\0b";
    let by_path = [
        format!("PUT /v1/vehicles/{car}"),
        format!("PUT /v1/bookings/{id}/approve"),
        format!("PUT /v1/bookings/{id}/cancel"),
    ];
    let rows = [
        (&guest.rest, "POST /v1/auth/register", account(nul), "name"),
        (&host.rest, "POST /v1/vehicles", vehicle(nul), "make"),
        (
            &host.rest,
            &by_path[0],
            json!({ "description": nul }),
            "description",
        ),
        (
            &guest.rest,
            "POST /v1/bookings",
            booking(&car, next_slot(mesh.now()), nul),
            "guest_message",
        ),
        (
            &host.rest,
            &by_path[1],
            json!({ "host_response": nul }),
            "host_response",
        ),
        (&guest.rest, &by_path[2], json!({ "message": nul }), "message"),
        (
            &guest.rest,
            "POST /v1/payments/methods",
            json!({ "auth_key": nul }),
            "auth_key",
        ),
        (
            &guest.rest,
            "POST /v1/notifications/devices",
            json!({ "token": nul, "platform": "ios" }),
            "token",
        ),
        (
            &guest.rest,
            "POST /v1/auth/refresh",
            json!({ "refresh_token": "0123456789abcdef\0" }),
            "refresh_token",
        ),
        (
            &guest.rest,
            "GET /v1/bookings?page_token=%00",
            Value::Null,
            "page_token",
        ),
        (
            &guest.rest,
            "POST /v1/payments/webhook",
            json!({ "data": { "orderId": nul } }),
            r#"payload.fields["data"].struct_value.fields["orderId"].string_value"#,
        ),
    ];
    for (rest, target, body, field) in rows {
        let problem = expect_rest_error(rest, target, body.to_string(), INVALID).await;
        assert_eq!(faults(&problem), [(field, "STRING_NUL")], "{target}");
        assert_eq!(problem["errors"][0]["message"], "널 문자를 포함할 수 없습니다.");
    }
    assert_eq!(guest.booking(id).await["status"], "pending");
}

fn at(seconds: i64, nanos: i32) -> Timestamp {
    Timestamp { seconds, nanos }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_outside_the_calendar_are_rejected() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let wires = GrpcClient::all(&mesh).await;
    let (start, end) = (
        ("start_datetime", "TIMESTAMP_RANGE"),
        ("end_datetime", "TIMESTAMP_RANGE"),
    );
    for (start_datetime, end_datetime, expected) in [
        (at(i64::MAX, 0), at(i64::MIN, 0), &[start, end][..]),
        (at(0, -1), at(7_200, i32::MAX), &[start, end]),
        (at(253_402_300_799, 0), at(253_402_304_400, 0), &[end]),
    ] {
        let request = CreateBookingRequest {
            vehicle_id: ID.to_owned(),
            start_datetime: Some(start_datetime),
            end_datetime: Some(end_datetime),
            guest_message: None,
            quote_token: None,
            coupon_code: None,
        };
        let path = "/carshare.booking.v1.BookingService/CreateBooking";
        expect_grpc_error(&wires, &guest, path, request.encode_to_vec(), expected).await;
    }
}

/// The contract's last year is 2199; its last hours in UTC belong to 2200 in Seoul. Long before that cars cannot be booked yet.
#[tokio::test(flavor = "multi_thread")]
async fn periods_at_the_calendar_limits() {
    let mesh = mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let car = host.car().await;
    for day in 0..7 {
        let always =
            json!({ "is_recurring": true, "day_of_week": day, "start_time": "00:00", "end_time": "24:00" });
        let path = format!("/v1/vehicles/{car}/availability");
        host.rest.post(&path, &always).await.ok(201);
    }
    let search = |day: &str| {
        let period = format!("start_datetime={day}T20:00:00Z&end_datetime={day}T23:59:59Z");
        format!("/v1/vehicles?lat=37.5663&lng=126.9778&{period}")
    };
    let request = |day: &str| {
        let (start, end) = (format!("{day}T20:00:00Z"), format!("{day}T23:59:59Z"));
        json!({ "vehicle_id": car, "start_datetime": start, "end_datetime": end })
    };
    for day in ["0001-01-01", "1999-12-31", "2200-01-01", "9999-12-31"] {
        let problem = guest.rest.get(&search(day)).await.expect_error(400, "COMMON001");
        assert_eq!(faults(&problem), [("start_datetime", "")], "{day}");
    }
    let far = guest.rest.get(&search("2199-12-31")).await;
    far.expect_error(400, "BOOKING009");
    let past = guest.rest.post("/v1/bookings", &request("0001-01-01")).await;
    past.expect_error(400, "BOOKING004");
    let beyond = guest.rest.post("/v1/bookings", &request("9999-12-31")).await;
    let problem = beyond.expect_error(400, "COMMON001");
    assert_eq!(faults(&problem), [("start_datetime", "")]);
    let far = guest.rest.post("/v1/bookings", &request("2199-12-31")).await;
    far.expect_error(400, "BOOKING009");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_beyond_reason() {
    let mesh = mesh().await;
    let (host, guest) = accounts(&mesh).await;
    let wires = GrpcClient::all(&mesh).await;
    let expected = [
        ("lat", "DOUBLE_GTE_LTE"),
        ("lng", "DOUBLE_GTE_LTE"),
        ("radius", "DOUBLE_GT_LTE"),
    ];
    for (lat, lng, radius) in [
        (f64::NAN, f64::INFINITY, f64::NAN),
        (f64::NEG_INFINITY, f64::MAX, f64::INFINITY),
    ] {
        let request = SearchVehiclesRequest {
            lat: Some(lat),
            lng: Some(lng),
            radius: Some(radius),
            start_datetime: Some(at(1_893_456_000, 0)),
            end_datetime: Some(at(1_893_459_600, 0)),
            ..Default::default()
        };
        let path = "/carshare.vehicle.v1.VehicleService/SearchVehicles";
        expect_grpc_error(&wires, &guest, path, request.encode_to_vec(), &expected).await;
    }
    let request = CreateVehicleRequest {
        license_plate: "12하3456".to_owned(),
        make: "a\0b".to_owned(),
        model: "Ray".to_owned(),
        year: i32::MAX,
        hourly_rate: i64::MIN,
        location_address: "서울 중구 세종대로 110".to_owned(),
        ..Default::default()
    };
    let expected = [
        ("make", "STRING_NUL"),
        ("year", "INT32_GTE_LTE"),
        ("hourly_rate", "INT64_GTE_LTE"),
    ];
    let path = "/carshare.vehicle.v1.VehicleService/CreateVehicle";
    expect_grpc_error(&wires, &host, path, request.encode_to_vec(), &expected).await;
}
