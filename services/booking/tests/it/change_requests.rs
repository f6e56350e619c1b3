//! `RequestBookingChange`: what is refused, and repeats.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::{ErrorReason as VehicleReason, Vehicle};
use tonic::Code;

use crate::harness::*;

const LATER: &str = "2026-12-01T15:00:00Z";

#[tokio::test]
async fn change_of_an_unpaid_or_ended_booking_or_of_others_is_refused() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let other = harness.car(host);
    assert_wrong_state(
        harness.ask_end(guest, &booking, LATER).await,
        "pending",
        "approved",
    );
    harness.approve(host, &booking.id).await.unwrap();
    assert_wrong_state(
        harness.ask_end(guest, &booking, LATER).await,
        "approved",
        "approved",
    );
    harness.capture(&booking).await;
    for stranger in [harness.guest(), harness.host()] {
        assert_reason(
            harness.ask_end(stranger, &booking, LATER).await,
            ErrorReason::BookingNotFound,
        );
    }
    let admin = harness.ask_end(harness.person("admin"), &booking, LATER).await;
    assert_eq!(admin.unwrap_err().code(), Code::PermissionDenied);
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    harness.start_booking(guest, &booking.id).await.unwrap();
    assert_wrong_state(
        harness.ask_car(host, &booking, &other).await,
        "active",
        "approved",
    );
    harness.complete(guest, &booking.id).await.unwrap();
    assert_wrong_state(
        harness.ask_end(guest, &booking, LATER).await,
        "completed",
        "approved",
    );
    assert_eq!(harness.row_count("booking_changes").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn change_after_the_end_or_of_the_car_after_the_start_is_too_late() {
    let mut harness =
        Harness::start_with(|config| config.booking.timer_period = Duration::from_hours(2_800)).await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    assert_reason(
        harness.ask_car(guest, &booking, &other).await,
        ErrorReason::TooLate,
    );
    harness.clock.set(at("2026-12-01T13:00:00Z"));
    assert_reason(
        harness.ask_end(guest, &booking, LATER).await,
        ErrorReason::TooLate,
    );
    harness.finish().await;
}

#[tokio::test]
async fn change_without_effect_or_with_an_invalid_period_is_refused() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    let same = harness.ask_end(guest, &booking, "2026-12-01T13:00:00Z").await;
    let error = assert_reason(same, ErrorReason::ChangeWithoutEffect);
    assert_eq!(error.spec().code, "BOOKING053");
    assert_reason(
        harness.ask_car(host, &booking, &car).await,
        ErrorReason::ChangeWithoutEffect,
    );
    for end in [
        "2026-12-01T09:59:59Z",
        "2026-12-01T09:00:00Z",
        "2026-11-01T00:00:00Z",
        "2026-12-31T09:00:01Z",
    ] {
        let refused = harness.ask_end(guest, &booking, end).await;
        let error = assert_reason(refused, ErrorReason::PeriodInvalid);
        assert_eq!(error.spec().code, "BOOKING056", "{end}");
    }
    harness.clock.set(at("2026-12-01T11:00:00Z"));
    let over = harness.ask_end(guest, &booking, "2026-12-01T11:00:00Z").await;
    assert_reason(over, ErrorReason::PeriodInvalid);
    for neither_or_both in [
        RequestBookingChangeRequest {
            vehicle_id: Some(car.id.clone()),
            ..end_of(&booking, LATER)
        },
        RequestBookingChangeRequest {
            end_datetime: None,
            ..end_of(&booking, LATER)
        },
    ] {
        assert_reason(harness.ask(guest, neither_or_both).await, Common::InvalidArgument);
    }
    harness.finish().await;
}

#[tokio::test]
async fn second_change_waits_for_the_first() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    let first = harness.ask_end(guest, &booking, LATER).await.unwrap();
    for person in [guest, host] {
        let refused = harness.ask_end(person, &booking, "2026-12-01T11:00:00Z").await;
        let error = assert_reason(refused, ErrorReason::ChangeOpen);
        assert_eq!(error.spec().code, "BOOKING051");
    }
    let accepted = harness.accept(host, &first).await.unwrap();
    assert_reason(
        harness.ask_end(guest, &booking, "2026-12-01T11:00:00Z").await,
        ErrorReason::ChangeOpen,
    );
    harness.capture_charge(&accepted).await;
    harness
        .ask_end(guest, &booking, "2026-12-01T11:00:00Z")
        .await
        .unwrap();
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn change_that_its_car_does_not_allow_is_refused() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let booking = harness.confirmed(guest, host, &car).await;
    let next = CreateBookingRequest {
        start_datetime: Some(timestamp("2026-12-01T14:00:00Z")),
        end_datetime: Some(timestamp("2026-12-01T18:00:00Z")),
        ..input(&car)
    };
    harness.create(harness.guest(), next).await.unwrap();
    harness.pending(harness.guest(), &other).await;
    assert_reason(
        harness.ask_end(guest, &booking, LATER).await,
        ErrorReason::SlotTaken,
    );
    assert_reason(
        harness.ask_car(host, &booking, &other).await,
        ErrorReason::SlotTaken,
    );
    let unknown = Vehicle {
        id: harness.guest().id.to_string(),
        ..car.clone()
    };
    for car in [harness.car(harness.host()), unknown] {
        assert_reason(
            harness.ask_car(host, &booking, &car).await,
            VehicleReason::VehicleNotFound,
        );
    }
    // A car of the guest is one of another host.
    harness.vehicle().place_refusal = Some(VehicleReason::OwnVehicle);
    assert_reason(
        harness.ask_car(guest, &booking, &other).await,
        VehicleReason::VehicleNotFound,
    );
    harness.vehicle().place_refusal = None;
    harness.vehicle().is_closed = true;
    assert_reason(
        harness.ask_end(guest, &booking, "2026-12-01T14:00:00Z").await,
        VehicleReason::VehicleClosed,
    );
    // Less time needs no car.
    harness
        .ask_end(guest, &booking, "2026-12-01T12:00:00Z")
        .await
        .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn repeated_request_with_its_key_has_the_same_reply() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    let ask = async |end: &str| {
        let request = with_idempotency_key(harness.request(guest, end_of(&booking, end)), "longer-1");
        into_message(harness.changes().request_booking_change(request).await)
    };
    let first = ask(LATER).await.unwrap();
    assert_eq!(ask(LATER).await.unwrap(), first);
    assert_reason(ask("2026-12-01T14:00:00Z").await, Common::IdempotencyKeyReused);
    assert_eq!(harness.row_count("booking_changes").await, 1);
    harness.finish().await;
}
