//! Events of booking, through the real relay and consumer.

use std::time::Duration;

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::{ErrorReason, Vehicle, VehicleHoldLost, VehicleStatus};
use uuid::Uuid;

use crate::harness::calls::{booking, facts};
use crate::harness::{Harness, assert_reason, at};
use crate::search::TUESDAY;

fn requested(id: Uuid, car: &Vehicle) -> BookingRequested {
    BookingRequested {
        booking_id: id.to_string(),
        booking: facts(id, car, TUESDAY),
        ..BookingRequested::default()
    }
}

fn cancelled(id: Uuid, car: &Vehicle) -> BookingCancelled {
    BookingCancelled {
        booking_id: id.to_string(),
        booking: facts(id, car, TUESDAY),
        ..BookingCancelled::default()
    }
}

#[tokio::test]
async fn booking_requested_turns_the_hold_into_a_booking() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.publish_from_booking(requested(booking(1), &car)).await;
    assert_eq!(
        (
            harness.booking_count().await,
            harness.row_count("occupancies").await
        ),
        (1, 1)
    );
    harness.clock.advance(Duration::from_hours(1));
    assert_reason(
        harness.hold(booking(2), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_without_a_hold_occupies_a_free_car() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.release(booking(1)).await.unwrap();
    // The car became inactive meanwhile: the earlier request is still valid.
    harness
        .set_status(host, &car, VehicleStatus::Inactive)
        .await
        .unwrap();
    harness.publish_from_booking(requested(booking(1), &car)).await;
    assert_eq!(harness.booking_count().await, 1);
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_replaces_an_expired_hold_of_another_booking() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(2), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(2));
    harness.publish_from_booking(requested(booking(1), &car)).await;
    assert_eq!(
        (
            harness.booking_count().await,
            harness.row_count("occupancies").await
        ),
        (1, 1)
    );
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_for_a_car_of_another_booking_publishes_hold_lost() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(2));
    harness
        .hold(booking(2), &car, ("24T12:00", "24T13:00"))
        .await
        .unwrap();
    // The other hold may expire, so that nothing is decided yet.
    harness.publish_from_booking(requested(booking(1), &car)).await;
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    harness.publish_from_booking(requested(booking(2), &car)).await;
    harness.publish_from_booking(requested(booking(1), &car)).await;
    let lost = VehicleHoldLost {
        vehicle_id: car.id.clone(),
        booking_id: booking(1).to_string(),
    };
    assert_eq!(harness.events::<VehicleHoldLost>().await, [lost]);
    // The other booking keeps the car.
    harness.publish_from_booking(requested(booking(2), &car)).await;
    assert_eq!(
        (
            harness.booking_count().await,
            harness.row_count("occupancies").await
        ),
        (1, 1)
    );
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_for_a_withdrawn_car_publishes_hold_lost() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.delete(host, &car).await.unwrap();
    harness.publish_from_booking(requested(booking(1), &car)).await;
    let lost = VehicleHoldLost {
        vehicle_id: car.id.clone(),
        booking_id: booking(1).to_string(),
    };
    assert_eq!(harness.events::<VehicleHoldLost>().await, [lost]);
    harness.finish().await;
}

/// An expired hold does not prevent the withdrawal of the car, so that it must not become a booking.
#[tokio::test]
async fn booking_requested_with_an_expired_hold_on_a_withdrawn_car_publishes_hold_lost() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(2));
    harness.delete(host, &car).await.unwrap();
    harness.publish_from_booking(requested(booking(1), &car)).await;
    let lost = VehicleHoldLost {
        vehicle_id: car.id.clone(),
        booking_id: booking(1).to_string(),
    };
    assert_eq!(harness.events::<VehicleHoldLost>().await, [lost]);
    assert_eq!(harness.booking_count().await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn rejected_expired_and_cancelled_bookings_release_the_car() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    for number in 1..=3 {
        let id = booking(number);
        harness.hold(id, &car, TUESDAY).await.unwrap();
        harness.publish_from_booking(requested(id, &car)).await;
        assert_eq!(harness.booking_count().await, 1);
        let (booking_id, booking) = (id.to_string(), facts(id, &car, TUESDAY));
        if number == 1 {
            let host_response = None;
            harness
                .publish_from_booking(BookingRejected {
                    booking_id,
                    booking,
                    host_response,
                })
                .await;
        } else if number == 2 {
            harness
                .publish_from_booking(BookingExpired { booking_id, booking })
                .await;
        } else {
            harness.publish_from_booking(cancelled(id, &car)).await;
        }
        assert_eq!(harness.row_count("occupancies").await, 0, "{number}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn booking_requested_after_its_release_is_ignored() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.publish_from_booking(cancelled(booking(1), &car)).await;
    harness.publish_from_booking(requested(booking(1), &car)).await;
    assert_eq!(harness.row_count("occupancies").await, 0);
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    assert_reason(harness.hold(booking(1), &car, TUESDAY).await, Common::Conflict);
    harness.hold(booking(2), &car, TUESDAY).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn booking_completed_early_frees_the_rest_of_its_period() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.publish_from_booking(requested(booking(1), &car)).await;
    harness.clock.set(at("24T12:00"));
    harness
        .publish_from_booking(BookingCompleted {
            booking_id: booking(1).to_string(),
            booking: facts(booking(1), &car, TUESDAY),
        })
        .await;
    assert_reason(
        harness.hold(booking(2), &car, ("24T11:59", "24T14:00")).await,
        ErrorReason::VehicleUnavailable,
    );
    harness
        .hold(booking(2), &car, ("24T12:00", "24T14:00"))
        .await
        .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn booking_completed_late_or_before_its_start_leaves_a_valid_calendar() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let completed = |id: Uuid| BookingCompleted {
        booking_id: id.to_string(),
        booking: facts(id, &car, TUESDAY),
    };
    // Completed before its start: the occupancy is deleted.
    harness.publish_from_booking(requested(booking(1), &car)).await;
    harness.publish_from_booking(completed(booking(1))).await;
    assert_eq!(harness.row_count("occupancies").await, 0);
    // Completed after its end: the occupancy keeps the booked period.
    harness.publish_from_booking(requested(booking(2), &car)).await;
    harness.clock.set(at("24T15:00"));
    harness.publish_from_booking(completed(booking(2))).await;
    let end = at("24T14:00").to_rfc3339();
    let kept = format!("SELECT count(*) AS count FROM occupancies WHERE upper(period) = '{end}'");
    assert_eq!(harness.count(&kept).await, 1);
    harness.finish().await;
}
