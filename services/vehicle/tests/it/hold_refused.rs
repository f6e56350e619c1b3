//! `PlaceHold` and `ReleaseHold` with requests that are refused: closed cars, hosts, other callers and invalid fields.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use prost_types::Timestamp;
use uuid::Uuid;

use crate::harness::calls::{booking, hold_of, open_on};
use crate::harness::{Harness, assert_reason, from_service, timestamp};
use crate::search::TUESDAY;

#[tokio::test]
async fn place_hold_outside_the_opening_hours_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness
        .add_rule(host, open_on(&car, 2, "10:00", "14:00"))
        .await
        .unwrap();
    assert_reason(
        harness.hold(booking(1), &car, ("24T09:59", "24T14:00")).await,
        ErrorReason::VehicleClosed,
    );
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_by_the_host_of_the_car_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let own = PlaceHoldRequest {
        guest_id: host.id.to_string(),
        ..hold_of(booking(1), &car, TUESDAY)
    };
    assert_reason(harness.place(own).await, ErrorReason::OwnVehicle);
    assert_eq!(harness.row_count("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_of_a_car_that_is_not_active_is_not_found() {
    let harness = Harness::start().await;
    let host = harness.host();
    let waiting = harness.inactive_car(host).await;
    let car = harness.car(host).await;
    harness
        .set_status(host, &car, VehicleStatus::Maintenance)
        .await
        .unwrap();
    for car in [&waiting, &car] {
        assert_reason(
            harness.hold(booking(1), car, TUESDAY).await,
            ErrorReason::VehicleNotFound,
        );
    }
    let unknown = Vehicle {
        id: Uuid::from_u128(7).to_string(),
        ..car
    };
    assert_reason(
        harness.hold(booking(1), &unknown, TUESDAY).await,
        ErrorReason::VehicleNotFound,
    );
    harness.finish().await;
}

#[tokio::test]
async fn place_and_release_hold_by_another_caller_are_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let hold = || hold_of(booking(1), &car, TUESDAY);
    let mut client = harness.client.clone();
    assert_reason(
        client.place_hold(harness.request(host, hold())).await,
        Common::Unauthenticated,
    );
    assert_reason(
        client.place_hold(from_service("payment", hold())).await,
        Common::PermissionDenied,
    );
    let release = ReleaseHoldRequest {
        booking_id: booking(1).to_string(),
    };
    assert_reason(
        client.release_hold(harness.request(host, release)).await,
        Common::Unauthenticated,
    );
    assert_eq!(harness.row_count("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_with_an_invalid_field_names_it() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let base = || hold_of(booking(1), &car, TUESDAY);
    let a_nanosecond_later = timestamp("24T10:00").map(|start| Timestamp { nanos: 1, ..start });
    let table = [
        (
            PlaceHoldRequest {
                booking_id: "x".into(),
                ..base()
            },
            "booking_id",
        ),
        (
            PlaceHoldRequest {
                guest_id: String::new(),
                ..base()
            },
            "guest_id",
        ),
        (
            PlaceHoldRequest {
                start_datetime: None,
                ..base()
            },
            "start_datetime",
        ),
        (
            PlaceHoldRequest {
                end_datetime: timestamp("24T09:00"),
                ..base()
            },
            "start_datetime",
        ),
        // In PostgreSQL this range would be empty and overlap nothing.
        (
            PlaceHoldRequest {
                end_datetime: a_nanosecond_later,
                ..base()
            },
            "end_datetime",
        ),
    ];
    for (hold, field) in table {
        let error = assert_reason(harness.place(hold.clone()).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field, "{hold:?}");
    }
    harness.finish().await;
}
