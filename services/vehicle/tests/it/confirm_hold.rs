//! `ConfirmHold`.

use std::time::Duration;

use carshare_proto::booking::v1::BookingCancelled;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_proto::vehicle::v1::*;
use futures::future::join_all;

use crate::harness::calls::{booking, facts, hold_of};
use crate::harness::{Harness, assert_reason, from_service};
use crate::search::TUESDAY;

#[tokio::test]
async fn confirm_hold_makes_a_hold_permanent_and_can_be_repeated() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    let confirmations = join_all((0..8).map(|_| harness.confirm(booking(1), &car, TUESDAY))).await;
    assert!(confirmations.iter().all(Result::is_ok), "{confirmations:?}");
    harness.clock.advance(Duration::from_hours(1));
    assert_reason(
        harness.hold(booking(2), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
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
async fn confirm_hold_occupies_a_free_car_after_the_hold_expired_or_was_released() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let host = harness.host();
    let (expired, deleted) = (harness.car(host).await, harness.car(host).await);
    harness.hold(booking(1), &expired, TUESDAY).await.unwrap();
    harness.hold(booking(2), &deleted, TUESDAY).await.unwrap();
    harness.release(booking(2)).await.unwrap();
    harness.clock.advance(Duration::from_mins(2));
    harness.confirm(booking(1), &expired, TUESDAY).await.unwrap();
    harness.confirm(booking(2), &deleted, TUESDAY).await.unwrap();
    assert_eq!(harness.booking_count().await, 2);
    harness.finish().await;
}

#[tokio::test]
async fn confirm_hold_over_another_hold_or_booking_is_refused() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(2), &car, TUESDAY).await.unwrap();
    // Another hold may still expire; another booking does not.
    assert_reason(
        harness.confirm(booking(1), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    harness.confirm(booking(2), &car, TUESDAY).await.unwrap();
    assert_reason(
        harness.confirm(booking(1), &car, TUESDAY).await,
        ErrorReason::VehicleHoldLost,
    );
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_hold_is_confirmed_or_another_is_placed_but_never_both() {
    let harness = Harness::start().await;
    let replica = harness.start_instance().await;
    let host = harness.host();
    let mut cars = Vec::new();
    for number in 0..20 {
        let (car, expired) = (harness.car(host).await, booking(2 * number + 1));
        harness.hold(expired, &car, TUESDAY).await.unwrap();
        cars.push((car, expired, booking(2 * number + 2)));
    }
    harness.clock.advance(Duration::from_mins(11));
    let races = cars.iter().map(async |(car, expired, other)| {
        let mut client = VehicleServiceClient::new(replica.channel());
        let place = client.place_hold(from_service("booking", hold_of(*other, car, TUESDAY)));
        tokio::join!(harness.confirm(*expired, car, TUESDAY), place)
    });
    let mut confirmed = 0;
    for (confirmation, placement) in join_all(races).await {
        assert_ne!(confirmation.is_ok(), placement.is_ok());
        if confirmation.is_ok() {
            confirmed += 1;
            assert_reason(placement, ErrorReason::VehicleUnavailable);
        } else {
            assert_reason(confirmation, ErrorReason::VehicleUnavailable);
        }
    }
    assert_eq!(harness.booking_count().await, confirmed);
    replica.stop().await;
    harness.finish().await;
}

#[tokio::test]
async fn confirm_hold_of_a_withdrawn_car_or_a_released_booking_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (withdrawn, car) = (harness.car(host).await, harness.car(host).await);
    harness.delete(host, &withdrawn).await.unwrap();
    assert_reason(
        harness.confirm(booking(1), &withdrawn, TUESDAY).await,
        ErrorReason::VehicleHoldLost,
    );
    let cancelled = BookingCancelled {
        booking_id: booking(2).to_string(),
        booking: facts(booking(2), &car, TUESDAY),
        ..BookingCancelled::default()
    };
    harness.publish_from_booking(cancelled).await;
    // A release is remembered indefinitely.
    harness.clock.advance(Duration::from_hours(31 * 24));
    assert_reason(
        harness.confirm(booking(2), &car, TUESDAY).await,
        ErrorReason::VehicleHoldLost,
    );
    assert_eq!(harness.row_count("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn confirm_hold_by_another_caller_or_with_invalid_fields_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let mut client = harness.client.clone();
    let wrong = ConfirmHoldRequest::default;
    assert_reason(
        client.confirm_hold(harness.request(host, wrong())).await,
        Common::Unauthenticated,
    );
    assert_reason(
        client.confirm_hold(from_service("payment", wrong())).await,
        Common::PermissionDenied,
    );
    let refusal = client.confirm_hold(from_service("booking", wrong())).await;
    let error = assert_reason(refusal, Common::InvalidArgument);
    let fields: Vec<&str> = error.violations().iter().map(|v| v.field.as_str()).collect();
    assert_eq!(
        fields,
        ["booking_id", "vehicle_id", "start_datetime", "end_datetime"]
    );
    harness.finish().await;
}
