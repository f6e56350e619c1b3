//! `PlaceHold` and `ReleaseHold`.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use futures::future::join_all;

use crate::harness::calls::booking;
use crate::harness::{Harness, assert_reason, timestamp};
use crate::search::TUESDAY;

#[tokio::test]
async fn place_hold_occupies_the_car_for_two_minutes_and_returns_it() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let held = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    let untagged = Vehicle {
        etag: None,
        ..car.clone()
    };
    assert_eq!(
        held,
        PlaceHoldResponse {
            vehicle: Some(untagged),
            expires_at: timestamp("23T09:02")
        }
    );
    assert_reason(
        harness.hold(booking(2), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    assert_reason(
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
async fn place_hold_repeated_returns_the_same_hold() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let first = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(1));
    assert_eq!(harness.hold(booking(1), &car, TUESDAY).await.unwrap(), first);
    // A hold survives a change of the car's status.
    harness
        .set_status(host, &car, VehicleStatus::Maintenance)
        .await
        .unwrap();
    let again = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    assert_eq!(again.expires_at, first.expires_at);
    assert_eq!(harness.row_count("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_repeated_with_another_car_or_period_conflicts() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (car, other) = (harness.car(host).await, harness.car(host).await);
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    assert_reason(
        harness.hold(booking(1), &car, ("24T10:00", "24T15:00")).await,
        Common::Conflict,
    );
    assert_reason(harness.hold(booking(1), &other, TUESDAY).await, Common::Conflict);
    harness.finish().await;
}

#[tokio::test]
async fn fifty_concurrent_holds_place_one() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let results = join_all((1..=50).map(|number| harness.hold(booking(number), &car, TUESDAY))).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for result in lost {
        assert_reason(result, ErrorReason::VehicleUnavailable);
    }
    assert_eq!(harness.row_count("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn concurrent_repeats_of_a_hold_place_one() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let results = join_all((0..20).map(|_| harness.hold(booking(1), &car, TUESDAY))).await;
    for result in results {
        assert_eq!(result.unwrap().expires_at, timestamp("23T09:02"));
    }
    assert_eq!(harness.row_count("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_replaces_an_expired_hold() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(2));
    harness
        .hold(booking(2), &car, ("24T13:00", "24T18:00"))
        .await
        .unwrap();
    // The first booking has lost its hold; its repeat is refused.
    assert_reason(
        harness.hold(booking(1), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    assert_eq!(harness.row_count("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_after_its_own_expiry_places_a_new_hold() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_mins(2));
    let again = harness
        .hold(booking(1), &car, ("24T10:00", "24T12:00"))
        .await
        .unwrap();
    assert_eq!(again.expires_at, timestamp("23T09:04"));
    harness.finish().await;
}

#[tokio::test]
async fn release_hold_frees_the_car_and_ignores_unknown_holds() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    for _ in 0..2 {
        harness.release(booking(1)).await.unwrap();
    }
    harness.release(booking(7)).await.unwrap();
    harness.hold(booking(2), &car, TUESDAY).await.unwrap();
    harness.release(booking(2)).await.unwrap();
    // A repeat of the client's call uses the same booking id.
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn release_hold_keeps_a_booking() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    harness
        .execute("UPDATE occupancies SET kind = 'booking', expires_at = NULL")
        .await;
    harness.release(booking(1)).await.unwrap();
    assert_eq!(harness.row_count("occupancies").await, 1);
    let again = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    assert_eq!(again.expires_at, None);
    harness.finish().await;
}
