//! `CreateBooking` with requests that are refused: taken slots, invalid fields, past starts and wrong roles.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use prost_types::Timestamp;
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn create_booking_of_a_taken_slot_returns_slot_taken_and_stores_nothing() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    harness.pending(harness.guest(), &car).await;
    let overlapping = CreateBookingRequest {
        start_datetime: Some(timestamp("2026-12-01T12:59:00Z")),
        end_datetime: Some(timestamp("2026-12-01T14:00:00Z")),
        ..input(&car)
    };
    let error = assert_reason(
        harness.create(harness.guest(), overlapping).await,
        ErrorReason::SlotTaken,
    );
    assert_eq!(
        (error.code(), error.spec().code.as_str(), error.spec().http),
        (Code::FailedPrecondition, "BOOKING002", 409)
    );
    assert_eq!(harness.booking_count().await, 1);
    // Periods are half-open: the next booking may start when the first one ends.
    let next = CreateBookingRequest {
        start_datetime: Some(timestamp("2026-12-01T13:00:00Z")),
        end_datetime: Some(timestamp("2026-12-01T14:00:00Z")),
        ..input(&car)
    };
    harness.create(harness.guest(), next).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_forwards_other_refusals_of_vehicle() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    for refusal in [
        VehicleReason::VehicleClosed,
        VehicleReason::OwnVehicle,
        VehicleReason::VehicleNotFound,
    ] {
        harness.vehicle().place_refusal = Some(refusal);
        assert_reason(harness.create(harness.guest(), input(&car)).await, refusal);
    }
    assert_eq!(harness.booking_count().await, 0);
    // Nothing is held, so nothing is released.
    assert!(harness.vehicle().released.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_with_invalid_fields_names_them_and_holds_nothing() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    let fields = async |request: CreateBookingRequest| -> Vec<String> {
        let error = assert_reason(
            harness.create(harness.guest(), request).await,
            Common::InvalidArgument,
        );
        error
            .violations()
            .iter()
            .map(|violation| violation.field.clone())
            .collect()
    };
    assert_eq!(
        fields(CreateBookingRequest::default()).await,
        ["vehicle_id", "start_datetime", "end_datetime"]
    );
    let long = CreateBookingRequest {
        guest_message: Some("가".repeat(1001)),
        ..input(&car)
    };
    assert_eq!(fields(long).await, ["guest_message"]);
    let end = |end: &str| CreateBookingRequest {
        end_datetime: Some(timestamp(end)),
        ..input(&car)
    };
    for wrong in [
        "2026-12-01T08:00:00Z",
        "2026-12-01T09:59:59Z",
        "2026-12-31T09:00:01Z",
    ] {
        assert_eq!(
            fields(end(wrong)).await,
            ["start_datetime", "end_datetime"],
            "{wrong}: the rule covers both times"
        );
    }
    let nanos = CreateBookingRequest {
        start_datetime: Some(Timestamp {
            seconds: timestamp("2026-12-01T09:00:00Z").seconds,
            nanos: -1,
        }),
        ..input(&car)
    };
    assert_eq!(fields(nanos).await, ["start_datetime"]);
    assert!(harness.vehicle().placed.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_with_a_past_start_is_refused() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    let from = |start: &str, end: &str| CreateBookingRequest {
        start_datetime: Some(timestamp(start)),
        end_datetime: Some(timestamp(end)),
        ..input(&car)
    };
    let now = from("2026-11-22T12:00:00Z", "2026-11-22T14:00:00Z");
    assert_reason(
        harness.create(harness.guest(), now).await,
        ErrorReason::StartInPast,
    );
    assert!(harness.vehicle().placed.is_empty());
    let future = from("2026-11-22T12:00:00.000001Z", "2026-11-22T14:00:00Z");
    harness.create(harness.guest(), future).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_booking_without_the_guest_role_is_refused() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host());
    let anonymous = into_message(harness.client.clone().create_booking(input(&car)).await);
    assert_eq!(anonymous.unwrap_err().code(), Code::Unauthenticated);
    for role in ["host", "admin"] {
        let other = harness.create(harness.person(role), input(&car)).await;
        assert_eq!(other.unwrap_err().code(), Code::PermissionDenied, "{role}");
    }
    assert!(harness.vehicle().placed.is_empty());
    harness.finish().await;
}
