//! Transitions by time: expiry, overdue payment, no-show and overdue return. The tests move the clock.

use carshare_proto::booking::v1::*;

use crate::harness::*;

#[tokio::test]
async fn pending_booking_expires_at_respond_by() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let answered = harness.pending(guest, &harness.car(host)).await;
    harness.clock.set(at("2026-11-23T11:59:59Z"));
    harness.approve(host, &answered.id).await.unwrap();
    assert_eq!(
        harness.get(guest, &booking.id).await.unwrap().status(),
        BookingStatus::Pending
    );

    harness.clock.set(at("2026-11-23T12:00:20Z"));
    wait_until(|| async {
        harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled
    })
    .await;
    let expired = harness.get(guest, &booking.id).await.unwrap();
    let cancellation = expired.cancellation.unwrap();
    assert_eq!(
        (cancellation.reason(), cancellation.refund_amount),
        (CancellationReason::Expired, 0)
    );
    let events: BookingExpired = harness.event().await;
    assert_eq!(events.booking_id, booking.id);
    assert_eq!(
        harness.events(&booking).await,
        ["booking.requested", "booking.expired"]
    );
    assert_eq!(
        harness.history(&booking).await,
        ["→pending none by guest", "pending→cancelled none by timer"]
    );
    assert_wrong_state(harness.approve(host, &booking.id).await, "cancelled", "approved");
    assert_eq!(
        harness.get(guest, &answered.id).await.unwrap().status(),
        BookingStatus::Approved
    );
    harness.finish().await;
}

#[tokio::test]
async fn pending_booking_with_a_near_start_expires_before_it() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let input = CreateBookingRequest {
        start_datetime: Some(timestamp("2026-11-22T13:00:00Z")),
        end_datetime: Some(timestamp("2026-11-22T15:00:00Z")),
        ..input(&harness.car(host))
    };
    let booking = harness.create(guest, input).await.unwrap();
    assert_eq!(booking.respond_by, Some(timestamp("2026-11-22T12:30:00Z")));
    harness.clock.set(at("2026-11-22T12:30:20Z"));
    wait_until(|| async {
        harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled
    })
    .await;
    harness.finish().await;
}

#[tokio::test]
async fn unpaid_booking_is_cancelled_at_payment_due_at() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let unpaid = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &unpaid.id).await.unwrap();
    let car = harness.car(host);
    let paid = harness.confirmed(guest, host, &car).await;

    harness.clock.set(at("2026-11-22T14:00:20Z"));
    wait_until(|| async {
        harness.get(guest, &unpaid.id).await.unwrap().status() == BookingStatus::Cancelled
    })
    .await;
    let overdue = harness.get(guest, &unpaid.id).await.unwrap();
    let cancellation = overdue.cancellation.unwrap();
    assert_eq!(
        (cancellation.reason(), cancellation.refund_amount),
        (CancellationReason::PaymentOverdue, 0)
    );
    let events: BookingCancelled = harness.event().await;
    assert_eq!(
        (events.booking_id.as_str(), events.payment_status()),
        (&*unpaid.id, PaymentStatus::Pending)
    );
    assert_eq!(
        harness.history(&unpaid).await.last().unwrap(),
        "approved→cancelled pending by timer"
    );
    assert_eq!(harness.get(guest, &paid.id).await.unwrap(), paid);
    harness.finish().await;
}

#[tokio::test]
async fn timers_process_more_than_one_batch() {
    let harness = Harness::start().await;
    let host = harness.host();
    for _ in 0..103 {
        harness.pending(harness.guest(), &harness.car(host)).await;
    }
    harness.clock.set(at("2026-11-23T12:00:20Z"));
    let left = "SELECT count(*) AS count FROM bookings WHERE status = 'pending'";
    wait_until(|| async { harness.count(left).await == 0 }).await;
    let events = "SELECT count(*) AS count FROM outbox WHERE name = 'booking.expired'";
    assert_eq!(harness.count(events).await, 103);
    harness.finish().await;
}

#[tokio::test]
async fn confirmed_booking_not_started_is_closed_as_no_show_at_its_end() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T13:00:20Z"));
    wait_until(|| async {
        harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled
    })
    .await;
    let ended = harness.get(guest, &booking.id).await.unwrap();
    let cancellation = ended.cancellation.clone().unwrap();
    assert_eq!(
        (
            cancellation.reason(),
            cancellation.refund_amount,
            ended.payment_status()
        ),
        (CancellationReason::NoShow, 0, PaymentStatus::Paid)
    );
    assert_wrong_state(
        harness.start_booking(guest, &booking.id).await,
        "cancelled",
        "active",
    );
    assert_wrong_state(harness.cancel(host, &booking.id).await, "cancelled", "cancelled");
    harness.finish().await;
}

#[tokio::test]
async fn active_booking_is_completed_a_day_after_its_end() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T09:00:00Z"));
    harness.start_booking(guest, &booking.id).await.unwrap();
    harness.clock.set(at("2026-12-02T13:00:20Z"));
    wait_until(|| async {
        harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Completed
    })
    .await;
    assert_eq!(
        harness.history(&booking).await.last().unwrap(),
        "active→completed paid by timer"
    );
    harness.finish().await;
}
