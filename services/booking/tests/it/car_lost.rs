//! Bookings that lose their car, and the exclusion constraint over live bookings.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use uuid::Uuid;

use crate::events::PeerEvent;
use crate::harness::*;

#[tokio::test]
async fn approve_booking_confirms_the_hold_and_a_lost_hold_cancels_the_booking() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let kept = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &kept.id).await.unwrap();
    assert_eq!(harness.vehicle().confirmed, [kept.id.as_str()]);

    let lost = harness.pending(harness.guest(), &harness.car(host)).await;
    harness.vehicle().confirm_refusal = Some(VehicleReason::VehicleHoldLost);
    assert_reason(
        harness.approve(host, &lost.id).await,
        VehicleReason::VehicleHoldLost,
    );
    let ended = harness.get(host, &lost.id).await.unwrap();
    assert_eq!(ended.status(), BookingStatus::Cancelled);
    assert_eq!(ended.cancellation.unwrap().reason(), CancellationReason::HoldLost);
    assert_wrong_state(harness.approve(host, &lost.id).await, "cancelled", "approved");
    assert_eq!(
        harness.events(&lost).await,
        ["booking.requested", "booking.cancelled"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn approve_booking_blocked_by_another_hold_stays_pending() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.vehicle().confirm_refusal = Some(VehicleReason::VehicleUnavailable);
    assert_reason(harness.approve(host, &booking.id).await, ErrorReason::SlotTaken);
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    harness.vehicle().confirm_refusal = None;
    harness.approve(host, &booking.id).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn start_booking_with_a_lost_hold_refunds_everything() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    harness.vehicle().confirm_refusal = Some(VehicleReason::VehicleHoldLost);
    assert_reason(
        harness.start_booking(guest, &booking.id).await,
        VehicleReason::VehicleHoldLost,
    );
    let cancellation = harness
        .get(guest, &booking.id)
        .await
        .unwrap()
        .cancellation
        .unwrap();
    assert_eq!(
        (cancellation.reason(), cancellation.refund_amount),
        (CancellationReason::HoldLost, 60_000)
    );
    harness.finish().await;
}

#[tokio::test]
async fn active_booking_ignores_a_lost_hold() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    let active = harness.start_booking(guest, &booking.id).await.unwrap();
    harness
        .send_peer_event(&booking, PeerEvent::HoldLost, Uuid::nil())
        .await;
    harness.handled("vehicle").await;
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), active);
    harness.finish().await;
}

/// The hold of the first booking has expired: vehicle would place a hold for the second booking.
#[tokio::test]
async fn create_booking_over_a_live_booking_without_a_hold_is_refused() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.pending(guest, &car).await;
    harness.vehicle().holds.clear();
    assert_reason(
        harness.create(harness.guest(), input(&car)).await,
        ErrorReason::SlotTaken,
    );
    // The hold of the refused request is released.
    wait_until(|| async { harness.vehicle().holds.is_empty() }).await;
    assert_eq!(harness.booking_count().await, 1);
    harness.reject(host, &booking.id).await.unwrap();
    harness.pending(harness.guest(), &car).await;
    harness.finish().await;
}
