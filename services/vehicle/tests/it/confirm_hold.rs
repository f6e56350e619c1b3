//! `ConfirmHold`.

use std::time::Duration;

use carshare_proto::booking::v1::BookingCancelled;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use futures::future::join_all;
use uuid::Uuid;

use crate::harness::cars::{Span, facts};
use crate::harness::{Harness, from_service, refused};

const TUESDAY: Span = ("24T10:00", "24T14:00");

fn booking(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

impl Harness {
    async fn booked(&self) -> i64 {
        self.count("SELECT count(*) AS count FROM occupancies WHERE kind = 'booking'")
            .await
    }
}

#[tokio::test]
async fn confirm_hold_makes_a_hold_permanent_and_can_be_repeated() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    let confirmations = join_all((0..8).map(|_| harness.confirm(booking(1), &car, TUESDAY))).await;
    assert!(confirmations.iter().all(Result::is_ok), "{confirmations:?}");
    harness.clock.advance(Duration::from_hours(1));
    refused(
        harness.hold(booking(2), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    assert_eq!(
        (harness.booked().await, harness.rows("occupancies").await),
        (1, 1)
    );
    harness.finish().await;
}

#[tokio::test]
async fn confirm_hold_takes_a_free_car_again_after_the_hold_expired_or_was_deleted() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let host = harness.host();
    let (expired, deleted) = (harness.car(host).await, harness.car(host).await);
    harness.hold(booking(1), &expired, TUESDAY).await.unwrap();
    harness.hold(booking(2), &deleted, TUESDAY).await.unwrap();
    harness.release(booking(2)).await.unwrap();
    harness.clock.advance(Duration::from_mins(10));
    harness.confirm(booking(1), &expired, TUESDAY).await.unwrap();
    harness.confirm(booking(2), &deleted, TUESDAY).await.unwrap();
    assert_eq!(harness.booked().await, 2);
    harness.finish().await;
}

#[tokio::test]
async fn confirm_hold_is_refused_when_another_booking_has_the_car() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(2), &car, TUESDAY).await.unwrap();
    // A hold may expire, a booking stays.
    refused(
        harness.confirm(booking(1), &car, TUESDAY).await,
        ErrorReason::VehicleUnavailable,
    );
    harness.confirm(booking(2), &car, TUESDAY).await.unwrap();
    refused(
        harness.confirm(booking(1), &car, TUESDAY).await,
        ErrorReason::VehicleHoldLost,
    );
    harness.finish().await;
}

#[tokio::test]
async fn confirm_hold_is_refused_for_a_withdrawn_car_and_a_released_booking() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (withdrawn, car) = (harness.car(host).await, harness.car(host).await);
    harness.delete(host, &withdrawn).await.unwrap();
    refused(
        harness.confirm(booking(1), &withdrawn, TUESDAY).await,
        ErrorReason::VehicleHoldLost,
    );
    let cancelled = BookingCancelled {
        booking_id: booking(2).to_string(),
        booking: facts(booking(2), &car, TUESDAY),
        ..BookingCancelled::default()
    };
    harness.booking_tells(cancelled).await;
    // Also long after the release.
    harness.clock.advance(Duration::from_hours(31 * 24));
    refused(
        harness.confirm(booking(2), &car, TUESDAY).await,
        ErrorReason::VehicleHoldLost,
    );
    assert_eq!(harness.rows("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn confirm_hold_is_internal_and_names_wrong_fields() {
    let harness = Harness::start().await;
    let host = harness.host();
    let mut client = harness.client.clone();
    let wrong = ConfirmHoldRequest::default;
    refused(
        client.confirm_hold(harness.by(host, wrong())).await,
        Common::Unauthenticated,
    );
    refused(
        client.confirm_hold(from_service("payment", wrong())).await,
        Common::PermissionDenied,
    );
    let refusal = client.confirm_hold(from_service("booking", wrong())).await;
    let error = refused(refusal, Common::InvalidArgument);
    let fields: Vec<&str> = error.violations().iter().map(|v| v.field.as_str()).collect();
    assert_eq!(
        fields,
        ["booking_id", "vehicle_id", "start_datetime", "end_datetime"]
    );
    harness.finish().await;
}
