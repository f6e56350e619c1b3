//! Refunds of changed bookings, by charge.

use carshare_proto::booking::v1::*;

use crate::harness::*;

/// 90 % are refunded then.
const ON_THE_DAY: &str = "2026-12-01T00:00:00Z";

#[tokio::test]
async fn cancellation_without_changes_refunds_the_only_charge() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let paid = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at(ON_THE_DAY));
    harness.cancel(guest, &paid.id).await.unwrap();
    let event: BookingCancelled = harness.event().await;
    assert_eq!(event.charges, [refund(&paid.id, 54_000)]);
    harness.finish().await;
}

#[tokio::test]
async fn cancellation_during_the_first_charge_names_no_charge() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &booking.id).await.unwrap();
    harness.cancel(guest, &booking.id).await.unwrap();
    let event: BookingCancelled = harness.event().await;
    assert_eq!(event.charges, []);
    harness.finish().await;
}

#[tokio::test]
async fn cancellation_after_an_extension_refunds_both_charges_oldest_first() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness
        .changed(guest, host, &booking, "2026-12-01T15:00:00Z")
        .await;
    let change = harness.change_of(guest, &booking).await;
    harness.clock.set(at(ON_THE_DAY));
    let cancelled = harness.cancel_for(guest, &booking.id, 81_000).await.unwrap();
    assert_eq!(cancelled.cancellation.unwrap().refund_amount, 81_000);
    let event: BookingCancelled = harness.event().await;
    assert_eq!(event.refund_amount, 81_000);
    assert_eq!(
        event.charges,
        [refund(&booking.id, 60_000), refund(&change.id, 21_000)]
    );
    harness.refund_first(&booking, 60_000).await;
    let partly = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(partly.payment_status(), PaymentStatus::Paid);
    harness.refund_charge(&booking, &change.id, 21_000).await;
    let settled = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(settled.payment_status(), PaymentStatus::Refunded);
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn cancellation_after_a_shortening_adds_to_its_refund() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness
        .changed(guest, host, &booking, "2026-12-01T11:00:00Z")
        .await;
    harness.refund_first(&booking, 30_000).await;
    let live = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (live.status(), live.payment_status()),
        (BookingStatus::Approved, PaymentStatus::Paid)
    );
    harness.clock.set(at(ON_THE_DAY));
    harness.cancel_for(guest, &booking.id, 27_000).await.unwrap();
    let event: BookingCancelled = harness.event().await;
    assert_eq!(
        (event.refund_amount, event.charges),
        (27_000, vec![refund(&booking.id, 57_000)])
    );
    harness.refund_first(&booking, 57_000).await;
    let settled = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(settled.payment_status(), PaymentStatus::Refunded);
    harness.finish().await;
}

/// 60,000 and 30,000 are charged, of which 75,000 go back: the first charge as a whole.
#[tokio::test]
async fn booking_whose_first_charge_went_back_takes_place() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness
        .changed(guest, host, &booking, "2026-12-01T15:00:00Z")
        .await;
    let extension = harness.change_of(guest, &booking).await;
    let shortened = harness
        .changed(guest, host, &booking, "2026-12-01T10:00:00Z")
        .await;
    assert_eq!(shortened.total_amount, 15_000);
    let applied: Vec<BookingChangeApplied> = harness.published().await;
    assert_eq!(applied[0].refunds, []);
    assert_eq!(
        applied[1].refunds,
        [refund(&booking.id, 60_000), refund(&extension.id, 15_000)]
    );
    harness.refund_first(&booking, 60_000).await;
    harness.refund_charge(&booking, &extension.id, 15_000).await;
    let live = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (live.status(), live.payment_status()),
        (BookingStatus::Approved, PaymentStatus::Paid)
    );
    harness.clock.set(at(ON_THE_DAY));
    harness.cancel_for(guest, &booking.id, 13_500).await.unwrap();
    let event: BookingCancelled = harness.event().await;
    assert_eq!(
        event.charges,
        [refund(&booking.id, 60_000), refund(&extension.id, 28_500)]
    );
    harness.refund_charge(&booking, &extension.id, 28_500).await;
    let settled = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(settled.payment_status(), PaymentStatus::Refunded);
    harness.assert_changes_agree().await;
    harness.finish().await;
}

/// A charge of which nothing goes back is named all the same: those that are not are refunded in full.
#[tokio::test]
async fn charges_that_are_not_refunded_are_named() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness
        .changed(guest, host, &booking, "2026-12-01T15:00:00Z")
        .await;
    let change = harness.change_of(guest, &booking).await;
    harness.clock.set(at("2026-12-01T09:00:01Z"));
    harness.cancel_for(guest, &booking.id, 0).await.unwrap();
    let event: BookingCancelled = harness.event().await;
    assert_eq!(event.charges, [refund(&booking.id, 0), refund(&change.id, 0)]);
    harness.finish().await;
}
