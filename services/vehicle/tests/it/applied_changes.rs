//! Changes of bookings that apply: the occupancy of the booking moves.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::{ErrorReason, VehicleHoldLost};

use crate::booking_changes::{ADDED, LONGER, SHORTER, accepted, applied, cancelled, change};
use crate::harness::calls::booking;
use crate::harness::{Harness, assert_reason};
use crate::search::TUESDAY;

#[tokio::test]
async fn applied_extension_moves_the_end_and_takes_what_the_change_held() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    harness.hold(change(1), &car, ADDED).await.unwrap();
    for _ in 0..2 {
        harness
            .publish_from_booking(applied(booking(1), change(1), &car, LONGER))
            .await;
        assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T16:00"]);
    }
    // A confirmation that comes later takes nothing, nor does another hold.
    assert_reason(
        harness.confirm(change(1), &car, ADDED).await,
        ErrorReason::VehicleHoldLost,
    );
    assert_reason(harness.hold(change(1), &car, ADDED).await, Common::Conflict);
    harness.publish_from_booking(accepted(change(1), &car)).await;
    assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T16:00"]);
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn applied_shortening_frees_the_rest() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    harness
        .publish_from_booking(applied(booking(1), change(1), &car, SHORTER))
        .await;
    harness
        .hold(booking(2), &car, ("24T12:00", "24T14:00"))
        .await
        .unwrap();
    assert_reason(
        harness.hold(booking(3), &car, ("24T11:00", "24T12:00")).await,
        ErrorReason::VehicleUnavailable,
    );
    harness.finish().await;
}

#[tokio::test]
async fn applied_swap_moves_the_booking_to_the_other_car() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    let other = harness.car(harness.host()).await;
    harness.hold(change(1), &other, TUESDAY).await.unwrap();
    harness
        .publish_from_booking(applied(booking(1), change(1), &other, TUESDAY))
        .await;
    assert_eq!(harness.calendar(&car).await, [""; 0]);
    assert_eq!(harness.calendar(&other).await, ["1 booking 24T10:00–24T14:00"]);
    harness.publish_from_booking(cancelled(&other, TUESDAY)).await;
    assert_eq!(harness.row_count("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn older_change_that_is_delivered_again_does_not_undo_a_newer_one() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    for (id, period) in [(1, LONGER), (2, SHORTER), (1, LONGER)] {
        harness
            .publish_from_booking(applied(booking(1), change(id), &car, period))
            .await;
    }
    assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T12:00"]);
    harness.finish().await;
}

#[tokio::test]
async fn change_applied_to_a_released_booking_takes_nothing() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    harness.hold(change(1), &car, ADDED).await.unwrap();
    harness.publish_from_booking(cancelled(&car, TUESDAY)).await;
    harness
        .publish_from_booking(applied(booking(1), change(1), &car, LONGER))
        .await;
    assert_eq!(harness.row_count("occupancies").await, 0);
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn change_applied_without_an_occupancy_of_its_booking_takes_the_car() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness
        .publish_from_booking(applied(booking(1), change(1), &car, LONGER))
        .await;
    assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T16:00"]);
    harness.finish().await;
}

/// The hold of the change has expired. Booking has stored the change, so that it can store no other booking of this time.
#[tokio::test]
async fn applied_change_replaces_the_hold_of_another_booking() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    harness.hold(booking(2), &car, ADDED).await.unwrap();
    harness
        .publish_from_booking(applied(booking(1), change(1), &car, LONGER))
        .await;
    assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T16:00"]);
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn change_applied_over_another_booking_loses_the_car() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    harness.confirm(booking(2), &car, ADDED).await.unwrap();
    harness
        .hold(booking(3), &car, ("24T16:00", "24T17:00"))
        .await
        .unwrap();
    let longest = ("24T10:00", "24T17:00");
    for _ in 0..2 {
        harness
            .publish_from_booking(applied(booking(1), change(1), &car, longest))
            .await;
    }
    harness.assert_lost(booking(1), &car).await;
    let unchanged = [
        "1 booking 24T10:00–24T14:00",
        "2 booking 24T14:00–24T16:00",
        "3 hold 24T16:00–24T17:00",
    ];
    assert_eq!(harness.calendar(&car).await, unchanged);
    harness.finish().await;
}

#[tokio::test]
async fn swap_to_a_withdrawn_car_loses_the_car() {
    let harness = Harness::start().await;
    let car = harness.booked_car().await;
    let host = harness.host();
    let other = harness.car(host).await;
    harness.delete(host, &other).await.unwrap();
    harness
        .publish_from_booking(applied(booking(1), change(1), &other, TUESDAY))
        .await;
    harness.assert_lost(booking(1), &other).await;
    assert_eq!(harness.calendar(&car).await, ["1 booking 24T10:00–24T14:00"]);
    harness.finish().await;
}
