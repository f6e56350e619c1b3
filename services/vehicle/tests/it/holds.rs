//! `PlaceHold`, `ReleaseHold`.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use futures::future::join_all;
use prost_types::Timestamp;
use uuid::Uuid;

use crate::harness::cars::{Span, hold_of, open_on};
use crate::harness::{Harness, from_service, refused, stamp};

const TUESDAY: Span = ("24T10:00", "24T14:00");

fn booking(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[tokio::test]
async fn place_hold_takes_the_car_for_ten_minutes_and_tells_its_terms() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let held = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    assert_eq!(
        held,
        PlaceHoldResponse {
            vehicle: Some(car.clone()),
            expires_at: stamp("23T09:10")
        }
    );
    refused(
        harness.hold(booking(2), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    refused(
        harness.hold(booking(2), &car, ("24T13:59", "24T15:00")).await,
        ErrorReason::VehicleUnavailable,
    );
    harness
        .hold(booking(2), &car, ("24T14:00", "24T15:00"))
        .await
        .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_for_the_same_booking_is_the_same_hold() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let first = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(1));
    assert_eq!(harness.hold(booking(1), &car, TUESDAY).await.unwrap(), first);
    // Also when the car is no longer offered: the hold stands.
    harness
        .set_status(host, &car, VehicleStatus::Maintenance)
        .await
        .unwrap();
    let again = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    assert_eq!(again.expires_at, first.expires_at);
    assert_eq!(harness.rows("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_for_the_same_booking_with_another_wish_is_a_conflict() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (car, other) = (harness.car(host).await, harness.car(host).await);
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    refused(
        harness.hold(booking(1), &car, ("24T10:00", "24T15:00")).await,
        Common::Conflict,
    );
    refused(harness.hold(booking(1), &other, TUESDAY).await, Common::Conflict);
    harness.finish().await;
}

#[tokio::test]
async fn of_fifty_holds_at_once_exactly_one_wins() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let results = join_all((1..=50).map(|number| harness.hold(booking(number), &car, TUESDAY))).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for result in lost {
        refused(result, ErrorReason::VehicleUnavailable);
    }
    assert_eq!(harness.rows("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn the_same_hold_placed_at_once_is_one() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let results = join_all((0..20).map(|_| harness.hold(booking(1), &car, TUESDAY))).await;
    for result in results {
        assert_eq!(result.unwrap().expires_at, stamp("23T09:10"));
    }
    assert_eq!(harness.rows("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_goes_over_a_dead_hold_that_nobody_swept() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(10));
    harness
        .hold(booking(2), &car, ("24T13:00", "24T18:00"))
        .await
        .unwrap();
    // The first booking lost it; its own repeat cannot have it back.
    refused(
        harness.hold(booking(1), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    assert_eq!(harness.rows("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_again_after_the_end_takes_the_car_anew() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(10));
    let again = harness
        .hold(booking(1), &car, ("24T10:00", "24T12:00"))
        .await
        .unwrap();
    assert_eq!(again.expires_at, stamp("23T09:20"));
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_is_refused_outside_the_opening_hours() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness
        .add_rule(host, open_on(&car, 2, "10:00", "14:00"))
        .await
        .unwrap();
    refused(
        harness.hold(booking(1), &car, ("24T09:59", "24T14:00")).await,
        ErrorReason::VehicleClosed,
    );
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_is_refused_to_the_host_of_the_car() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let own = PlaceHoldRequest {
        guest_id: host.id.to_string(),
        ..hold_of(booking(1), &car, TUESDAY)
    };
    refused(harness.place(own).await, ErrorReason::OwnVehicle);
    assert_eq!(harness.rows("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn a_car_that_is_not_offered_cannot_be_held() {
    let harness = Harness::start().await;
    let host = harness.host();
    let waiting = harness.waiting_car(host).await;
    let car = harness.car(host).await;
    harness
        .set_status(host, &car, VehicleStatus::Maintenance)
        .await
        .unwrap();
    for car in [&waiting, &car] {
        refused(
            harness.hold(booking(1), car, TUESDAY).await,
            ErrorReason::VehicleNotFound,
        );
    }
    let unknown = Vehicle {
        id: Uuid::from_u128(7).to_string(),
        ..car
    };
    refused(
        harness.hold(booking(1), &unknown, TUESDAY).await,
        ErrorReason::VehicleNotFound,
    );
    harness.finish().await;
}

#[tokio::test]
async fn holds_are_for_the_booking_service_alone() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let hold = || hold_of(booking(1), &car, TUESDAY);
    let mut client = harness.client.clone();
    refused(
        client.place_hold(harness.by(host, hold())).await,
        Common::Unauthenticated,
    );
    refused(
        client.place_hold(from_service("payment", hold())).await,
        Common::PermissionDenied,
    );
    let release = ReleaseHoldRequest {
        booking_id: booking(1).to_string(),
    };
    refused(
        client.release_hold(harness.by(host, release)).await,
        Common::Unauthenticated,
    );
    assert_eq!(harness.rows("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn wrong_holds_name_their_fields() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let base = || hold_of(booking(1), &car, TUESDAY);
    let a_nanosecond_later = stamp("24T10:00").map(|start| Timestamp { nanos: 1, ..start });
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
                end_datetime: stamp("24T09:00"),
                ..base()
            },
            "",
        ),
        // PostgreSQL would see an empty range in it, which overlaps nothing.
        (
            PlaceHoldRequest {
                end_datetime: a_nanosecond_later,
                ..base()
            },
            "end_datetime",
        ),
    ];
    for (hold, field) in table {
        let error = refused(harness.place(hold.clone()).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field, "{hold:?}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn release_hold_frees_the_car_and_knows_no_unknown_hold() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    for _ in 0..2 {
        harness.release(booking(1)).await.unwrap();
    }
    harness.release(booking(7)).await.unwrap();
    harness.hold(booking(2), &car, TUESDAY).await.unwrap();
    harness.release(booking(2)).await.unwrap();
    // A repeat of the client's call comes under the same booking id.
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn release_hold_leaves_a_booking_alone() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness
        .execute("UPDATE occupancies SET kind = 'booking', expires_at = NULL")
        .await;
    harness.release(booking(1)).await.unwrap();
    assert_eq!(harness.rows("occupancies").await, 1);
    let again = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    assert_eq!(again.expires_at, None);
    harness.finish().await;
}
