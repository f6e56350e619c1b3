//! Events of payment and vehicle about changes that were accepted.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::{ErrorReason as VehicleReason, VehicleHoldLost};

use crate::harness::*;

const LATER: &str = "2026-12-01T15:00:00Z";

/// Returns a confirmed booking, and its accepted extension that is not paid.
async fn accepted(harness: &mut Harness, guest: Person, host: Person) -> (Booking, BookingChange) {
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    let change = harness.ask_end(guest, &booking, LATER).await.unwrap();
    let change = harness.accept(host, &change).await.unwrap();
    wait_until(|| async { harness.vehicle().confirmed.last() == Some(&change.id) }).await;
    (booking, change)
}

async fn status_of(harness: &Harness, guest: Person, booking: &Booking) -> BookingChangeStatus {
    harness.change_of(guest, booking).await.status()
}

#[tokio::test]
async fn failed_charge_closes_the_change_and_leaves_the_booking() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = accepted(&mut harness, guest, host).await;
    harness.fail_charge(&change).await;
    assert_eq!(
        status_of(&harness, guest, &booking).await,
        BookingChangeStatus::PaymentFailed
    );
    // Repeated, and a capture that contradicts it: payment refunds what belongs to a closed change.
    harness.fail_charge(&change).await;
    harness.capture_charge(&change).await;
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    let closed: BookingChangeClosed = harness.event().await;
    let change = closed.change.unwrap().change.unwrap();
    assert_eq!(change.status(), BookingChangeStatus::PaymentFailed);
    // As vehicle does on the event.
    harness.vehicle().holds.remove(&change.id);
    harness.ask_end(guest, &booking, LATER).await.unwrap();
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn capture_of_a_change_that_was_not_accepted_or_is_unknown_is_ignored() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    let change = harness.ask_end(guest, &booking, LATER).await.unwrap();
    let unknown = BookingChange {
        id: harness.guest().id.to_string(),
        ..change.clone()
    };
    let elsewhere = BookingChange {
        booking_id: harness.guest().id.to_string(),
        ..change.clone()
    };
    for change in [&change, &unknown, &elsewhere] {
        harness.capture_charge(change).await;
        harness.fail_charge(change).await;
        harness.refund_charge(&booking, &change.id, 30_000).await;
    }
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    assert_eq!(harness.change_of(guest, &booking).await, change);
    harness.finish().await;
}

#[tokio::test]
async fn repeated_capture_charges_once() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = accepted(&mut harness, guest, host).await;
    harness.capture_charge(&change).await;
    let extended = harness.get(guest, &booking.id).await.unwrap();
    harness.capture_charge(&change).await;
    harness.fail_charge(&change).await;
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), extended);
    assert_eq!(extended.total_amount, 90_000);
    let _: BookingChangeApplied = harness.event().await;
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn cancelled_booking_closes_its_change_before_and_a_later_capture_is_ignored() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = accepted(&mut harness, guest, host).await;
    let cancelled = harness.cancel(host, &booking.id).await.unwrap();
    assert_eq!(cancelled.cancellation.as_ref().unwrap().refund_amount, 60_000);
    assert_eq!(
        status_of(&harness, guest, &booking).await,
        BookingChangeStatus::Cancelled
    );
    assert_eq!(
        harness.events(&booking).await[4..],
        [
            "booking.change_accepted",
            "booking.change_closed",
            "booking.cancelled"
        ]
    );
    assert_eq!(
        harness.history(&booking).await[4..],
        [
            "approved→approved paid by host",
            "approved→approved paid by host",
            "approved→cancelled paid by host"
        ]
    );
    assert_eq!(
        harness.change_history(&booking).await.last().unwrap(),
        "change_cancelled by host"
    );
    // Nothing of the change is captured as far as booking knows, so that it is refunded in full.
    let event: BookingCancelled = harness.event().await;
    assert_eq!(event.charges, [refund(&booking.id, 60_000)]);
    harness.capture_charge(&change).await;
    assert_eq!(harness.get(host, &booking.id).await.unwrap(), cancelled);
    let error = assert_reason(harness.accept(host, &change).await, ErrorReason::ChangeClosed);
    assert_eq!(error.metadata()["status"], "cancelled");
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn completed_booking_closes_its_change() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.active(guest, host, &car).await;
    harness.ask_end(guest, &booking, LATER).await.unwrap();
    harness.complete(guest, &booking.id).await.unwrap();
    assert_eq!(
        status_of(&harness, guest, &booking).await,
        BookingChangeStatus::Cancelled
    );
    assert_eq!(
        harness.events(&booking).await[4..],
        [
            "booking.change_requested",
            "booking.change_closed",
            "booking.completed"
        ]
    );
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn lost_hold_of_a_change_closes_the_change_only() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = accepted(&mut harness, guest, host).await;
    let lost = VehicleHoldLost {
        vehicle_id: change.vehicle_id.clone(),
        booking_id: change.id.clone(),
    };
    for _ in 0..2 {
        let id = harness.environment.ids.next();
        harness.send("vehicle", id, &lost).await;
        harness.handled("vehicle").await;
    }
    assert_eq!(
        status_of(&harness, guest, &booking).await,
        BookingChangeStatus::Cancelled
    );
    assert_eq!(
        harness.change_history(&booking).await.last().unwrap(),
        "change_cancelled by vehicle"
    );
    harness.capture_charge(&change).await;
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    let _: BookingChangeClosed = harness.event().await;
    harness.finish().await;
}

#[tokio::test]
async fn change_whose_hold_cannot_be_confirmed_is_closed_unless_it_has_applied() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let booking = harness.confirmed(guest, host, &car).await;
    harness.vehicle().confirm_refusal = Some(VehicleReason::VehicleHoldLost);
    // Vehicle has moved the booking already, and released what the change had held.
    let swap = harness.ask_car(guest, &booking, &other).await.unwrap();
    harness.accept(host, &swap).await.unwrap();
    wait_until(|| async { harness.vehicle().confirmed.last() == Some(&swap.id) }).await;
    let extension = harness.ask_end(guest, &booking, LATER).await.unwrap();
    harness.accept(host, &extension).await.unwrap();
    let statuses = async || {
        let changes = harness.list_changes(guest, &booking.id).await.unwrap();
        changes.iter().map(BookingChange::status).collect::<Vec<_>>()
    };
    let expected = [BookingChangeStatus::Cancelled, BookingChangeStatus::Applied];
    wait_until(|| async { statuses().await == expected }).await;
    assert_eq!(
        harness.get(guest, &booking.id).await.unwrap().vehicle_id,
        other.id
    );
    harness.finish().await;
}

/// Vehicle has lost the hold, which is not known here yet, and another guest has booked the time.
#[tokio::test]
async fn paid_change_whose_time_another_booking_has_is_closed() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, change) = accepted(&mut harness, guest, host).await;
    harness.vehicle().holds.remove(&change.id);
    let next = CreateBookingRequest {
        vehicle_id: booking.vehicle_id.clone(),
        start_datetime: Some(timestamp("2026-12-01T14:00:00Z")),
        end_datetime: Some(timestamp("2026-12-01T18:00:00Z")),
        ..Default::default()
    };
    harness.create(harness.guest(), next).await.unwrap();
    harness.capture_charge(&change).await;
    assert_eq!(
        status_of(&harness, guest, &booking).await,
        BookingChangeStatus::Cancelled
    );
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    let closed: BookingChangeClosed = harness.event().await;
    assert_eq!(closed.booking.unwrap().end_datetime, booking.end_datetime);
    harness.assert_changes_agree().await;
    harness.finish().await;
}
