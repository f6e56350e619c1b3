//! Bookings that lose their car, and the exclusion constraint over live bookings.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use uuid::Uuid;

use crate::events::Foreign;
use crate::harness::*;

#[tokio::test]
async fn approve_booking_confirms_the_car_and_a_lost_one_cancels_the_booking() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let kept = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &kept.id).await.unwrap();
    assert_eq!(harness.vehicles.garage().confirmed, [kept.id.as_str()]);

    let lost = harness.pending(harness.guest(), &harness.car(host)).await;
    harness.vehicles.garage().confirm_refusal = Some(VehicleReason::VehicleHoldLost);
    refused(
        harness.approve(host, &lost.id).await,
        VehicleReason::VehicleHoldLost,
    );
    let ended = harness.get(host, &lost.id).await.unwrap();
    assert_eq!(ended.status(), BookingStatus::Cancelled);
    assert_eq!(ended.cancellation.unwrap().reason(), CancellationReason::HoldLost);
    wrong_state(harness.approve(host, &lost.id).await, "cancelled", "approved");
    assert_eq!(
        harness.events(&lost).await,
        ["booking.requested", "booking.cancelled"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn approve_booking_leaves_the_booking_pending_while_another_hold_is_in_the_way() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.vehicles.garage().confirm_refusal = Some(VehicleReason::VehicleUnavailable);
    refused(harness.approve(host, &booking.id).await, ErrorReason::SlotTaken);
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    harness.vehicles.garage().confirm_refusal = None;
    harness.approve(host, &booking.id).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn start_booking_of_a_lost_car_refunds_everything() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    harness.vehicles.garage().confirm_refusal = Some(VehicleReason::VehicleHoldLost);
    refused(
        harness.begin(guest, &booking.id).await,
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
async fn active_booking_keeps_the_car_when_its_hold_is_lost() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    let active = harness.begin(guest, &booking.id).await.unwrap();
    harness.tell(&booking, Foreign::HoldLost, Uuid::nil()).await;
    harness.handled("vehicle").await;
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), active);
    harness.finish().await;
}

/// The hold of the first booking is gone, as after its expiry: vehicle would give the car to the second one.
#[tokio::test]
async fn create_booking_is_refused_while_a_live_booking_has_the_car_though_its_hold_is_gone() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.pending(guest, &car).await;
    harness.vehicles.garage().holds.clear();
    refused(
        harness.create(harness.guest(), input(&car)).await,
        ErrorReason::SlotTaken,
    );
    // The hold of the refused request is released.
    soon(|| async { harness.vehicles.garage().holds.is_empty() }).await;
    assert_eq!(harness.bookings().await, 1);
    harness.reject(host, &booking.id).await.unwrap();
    harness.pending(harness.guest(), &car).await;
    harness.finish().await;
}
