//! What happens because time passes. The clock is moved; nothing waits.

use carshare_proto::booking::v1::*;

use crate::bench::*;

#[tokio::test]
async fn a_request_expires_at_respond_by() {
    let bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let booking = bench.pending(guest, &bench.car(host)).await;
    let answered = bench.pending(guest, &bench.car(host)).await;
    bench.clock.set(at("2026-11-23T11:59:59Z"));
    bench.approve(host, &answered.id).await.unwrap();
    assert_eq!(
        bench.get(guest, &booking.id).await.unwrap().status(),
        BookingStatus::Pending
    );

    bench.clock.set(at("2026-11-23T12:00:20Z"));
    soon(|| async { bench.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled })
        .await;
    let expired = bench.get(guest, &booking.id).await.unwrap();
    let cancellation = expired.cancellation.unwrap();
    assert_eq!(
        (cancellation.reason(), cancellation.refund_amount),
        (CancellationReason::Expired, 0)
    );
    let told: BookingExpired = bench.event().await;
    assert_eq!(told.booking_id, booking.id);
    assert_eq!(
        bench.told(&booking).await,
        ["booking.requested", "booking.expired"]
    );
    assert_eq!(
        bench.history(&booking).await,
        ["→pending none by guest", "pending→cancelled none by timer"]
    );
    wrong_state(bench.approve(host, &booking.id).await, "cancelled", "approved");
    assert_eq!(
        bench.get(guest, &answered.id).await.unwrap().status(),
        BookingStatus::Approved
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_request_for_soon_expires_at_its_start() {
    let bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let wish = CreateBookingRequest {
        start_datetime: Some(stamp("2026-11-22T13:00:00Z")),
        end_datetime: Some(stamp("2026-11-22T15:00:00Z")),
        ..wish(&bench.car(host))
    };
    let booking = bench.create(guest, wish).await.unwrap();
    assert_eq!(booking.respond_by, booking.start_datetime);
    bench.clock.set(at("2026-11-22T13:00:20Z"));
    soon(|| async { bench.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled })
        .await;
    bench.finish().await;
}

#[tokio::test]
async fn an_approved_booking_that_is_not_paid_in_time_is_called_off() {
    let mut bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let unpaid = bench.pending(guest, &bench.car(host)).await;
    bench.approve(host, &unpaid.id).await.unwrap();
    let car = bench.car(host);
    let paid = bench.confirmed(guest, host, &car).await;

    bench.clock.set(at("2026-11-22T14:00:20Z"));
    soon(|| async { bench.get(guest, &unpaid.id).await.unwrap().status() == BookingStatus::Cancelled }).await;
    let overdue = bench.get(guest, &unpaid.id).await.unwrap();
    let cancellation = overdue.cancellation.unwrap();
    assert_eq!(
        (cancellation.reason(), cancellation.refund_amount),
        (CancellationReason::PaymentOverdue, 0)
    );
    let told: BookingCancelled = bench.event().await;
    assert_eq!(
        (told.booking_id.as_str(), told.payment_status()),
        (&*unpaid.id, PaymentStatus::Pending)
    );
    assert_eq!(
        bench.history(&unpaid).await.last().unwrap(),
        "approved→cancelled pending by timer"
    );
    assert_eq!(bench.get(guest, &paid.id).await.unwrap(), paid);
    bench.finish().await;
}

/// More than one batch is due at once.
#[tokio::test]
async fn timers_finish_what_is_due_however_much_it_is() {
    let bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    for _ in 0..103 {
        bench.pending(guest, &bench.car(host)).await;
    }
    bench.clock.set(at("2026-11-23T12:00:20Z"));
    let left = "SELECT count(*) AS count FROM bookings WHERE status = 'pending'";
    soon(|| async { bench.count(left).await == 0 }).await;
    let told = "SELECT count(*) AS count FROM outbox WHERE name = 'booking.expired'";
    assert_eq!(bench.count(told).await, 103);
    bench.finish().await;
}
