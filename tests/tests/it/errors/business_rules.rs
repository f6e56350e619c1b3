//! Errors of business rules, the same over every protocol.

use carshare_proto::auth::v1::{LoginRequest, RefreshRequest, RegisterRequest};
use carshare_proto::booking::v1::{CreateBookingRequest, RejectBookingRequest, StartBookingRequest};
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1::{CreateVehicleRequest, UpdateVehicleRequest, VehicleStatus};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;
use serde_json::json;

use super::case::{Case, Clients};
use crate::harness::{Guest, Host, Slot, mesh, next_slot};

fn book(vehicle_id: &str, slot: Slot) -> Case {
    let mut body = slot.json();
    body["vehicle_id"] = json!(vehicle_id);
    let at = |at: DateTime<Utc>| {
        Some(Timestamp {
            seconds: at.timestamp(),
            nanos: 0,
        })
    };
    let message = CreateBookingRequest {
        vehicle_id: vehicle_id.to_owned(),
        start_datetime: at(slot.start),
        end_datetime: at(slot.end),
        guest_message: None,
        quote_token: None,
        coupon_code: None,
    };
    Case::post(
        "/v1/bookings",
        body,
        "booking.BookingService/CreateBooking",
        message,
    )
}

fn register(email: &str, password: &str) -> Case {
    let body = json!({ "email": email, "password": password, "name": "김", "phone": "01012345678", "role": "guest" });
    let message = RegisterRequest {
        email: email.to_owned(),
        password: password.to_owned(),
        name: "김".to_owned(),
        phone: "01012345678".to_owned(),
        role: Role::Guest.into(),
    };
    Case::post("/v1/auth/register", body, "auth.AuthService/Register", message)
}

fn login(email: &str) -> Case {
    let body = json!({ "email": email, "password": "wrong horse 42" });
    let message = LoginRequest {
        email: email.to_owned(),
        password: "wrong horse 42".to_owned(),
        mfa_code: None,
    };
    Case::post("/v1/auth/login", body, "auth.AuthService/Login", message)
}

fn offer(license_plate: &str, location_address: &str) -> Case {
    let body = json!({
        "license_plate": license_plate, "make": "Kia", "model": "Ray", "year": 2024, "hourly_rate": 7_000,
        "location_address": location_address,
    });
    let message = CreateVehicleRequest {
        license_plate: license_plate.to_owned(),
        make: "Kia".to_owned(),
        model: "Ray".to_owned(),
        year: 2024,
        hourly_rate: 7_000,
        location_address: location_address.to_owned(),
        ..Default::default()
    };
    Case::post(
        "/v1/vehicles",
        body,
        "vehicle.VehicleService/CreateVehicle",
        message,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_accounts() {
    let mesh = mesh().await;
    let clients = Clients::of(&mesh).await;
    let guest = Guest::register(&mesh).await;
    let weak = register("new@example.com", "password1")
        .expect_error(&clients, None, "AUTH015")
        .await;
    assert_eq!(weak.violations(), [("password", "PASSWORD_COMMON")]);
    // An unknown address and a wrong password have the same error.
    let wrong = login(&guest.email).expect_error(&clients, None, "AUTH010").await;
    let unknown = login("nobody@example.com")
        .expect_error(&clients, None, "AUTH010")
        .await;
    assert_eq!(wrong, unknown);
    let refresh_token = "never-given-to-anybody".to_owned();
    let refresh = Case::post(
        "/v1/auth/refresh",
        json!({ "refresh_token": refresh_token }),
        "auth.AuthService/Refresh",
        RefreshRequest { refresh_token },
    );
    refresh.expect_error(&clients, None, "AUTH012").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_cars_and_bookings_have_the_same_errors_everywhere() {
    let mesh = mesh().await;
    let clients = Clients::of(&mesh).await;
    let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    let idle = host.new_car().await.ok(201);
    let plate = idle["license_plate"].as_str().expect("a plate");
    let idle = idle["id"].as_str().expect("an id").to_owned();
    let host_of = Some(&host.rest);
    offer("12하12345", "서울 중구 세종대로 110")
        .expect_error(&clients, host_of, "VEHICLE005")
        .await;
    offer("45하1234", "없는도시 없는로 999")
        .expect_error(&clients, host_of, "VEHICLE006")
        .await;
    offer(plate, "서울 중구 세종대로 110")
        .expect_error(&clients, host_of, "VEHICLE004")
        .await;
    let update = UpdateVehicleRequest {
        vehicle_id: idle.clone(),
        status: Some(VehicleStatus::Active.into()),
        ..Default::default()
    };
    let path = format!("/v1/vehicles/{idle}");
    let body = json!({ "status": "active" });
    let without_photo = Case::put(path, body, "vehicle.VehicleService/UpdateVehicle", update);
    without_photo.expect_error(&clients, host_of, "VEHICLE015").await;

    let guest_of = Some(&guest.rest);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    book(&idle, slot)
        .expect_error(&clients, guest_of, "VEHICLE001")
        .await;
    let past = Slot {
        start: slot.start - TimeDelta::days(400),
        end: slot.end - TimeDelta::days(400),
    };
    book(&car, past)
        .expect_error(&clients, guest_of, "BOOKING004")
        .await;
    let id = guest.request(&car, slot).await;
    book(&car, slot)
        .expect_error(&clients, guest_of, "BOOKING002")
        .await;
    let last_hour = Slot {
        start: slot.end - TimeDelta::hours(1),
        end: slot.end + TimeDelta::hours(1),
    };
    book(&car, last_hour)
        .expect_error(&clients, guest_of, "BOOKING002")
        .await;

    let message = StartBookingRequest {
        booking_id: id.clone(),
    };
    let path = format!("/v1/bookings/{id}/start");
    let start = Case::put(path, json!({}), "booking.BookingService/StartBooking", message);
    let info = start.expect_error(&clients, guest_of, "BOOKING003").await;
    assert_eq!(info.en, "The booking cannot go from pending to active.");
    host.approve(&id).await.ok(200);
    start.expect_error(&clients, guest_of, "BOOKING005").await;
    let message = RejectBookingRequest {
        booking_id: id.clone(),
        host_response: None,
    };
    let path = format!("/v1/bookings/{id}/reject");
    let reject = Case::put(path, json!({}), "booking.BookingService/RejectBooking", message);
    let info = reject.expect_error(&clients, host_of, "BOOKING003").await;
    assert_eq!(
        info.ko,
        "현재 예약 상태에서는 처리할 수 없습니다. (approved → rejected)"
    );
    let path = format!("/v1/vehicles/{car}");
    host.rest.delete(&path).await.expect_error(409, "VEHICLE014");
}
