//! `CancelBooking`: permitted callers and refund amounts.

use carshare_proto::booking::v1::*;
use tonic::Code;
use uuid::Uuid;

use crate::events::PeerEvent;
use crate::harness::*;

#[tokio::test]
async fn cancel_pending_booking_refunds_nothing() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    assert_wrong_state(harness.cancel(host, &booking.id).await, "pending", "cancelled");
    let input = || {
        let input = CancelBookingRequest {
            booking_id: booking.id.clone(),
            message: Some("일정이 바뀌었어요".into()),
            expected_refund_amount: None,
        };
        with_idempotency_key(harness.request(guest, input), "off-1")
    };
    let cancelled = into_message(harness.client.clone().cancel_booking(input()).await).unwrap();
    let expected = Booking {
        status: BookingStatus::Cancelled.into(),
        cancellation: Some(Cancellation {
            reason: CancellationReason::Guest.into(),
            message: Some("일정이 바뀌었어요".into()),
            refund_amount: 0,
            cancelled_at: Some(timestamp("2026-11-22T12:00:00Z")),
        }),
        ..booking.clone()
    };
    assert_eq!(cancelled, expected);
    assert_eq!(
        into_message(harness.client.clone().cancel_booking(input()).await).unwrap(),
        expected
    );
    assert_wrong_state(harness.cancel(guest, &booking.id).await, "cancelled", "cancelled");
    let events: BookingCancelled = harness.event().await;
    assert_eq!(
        (events.reason(), events.refund_amount),
        (CancellationReason::Guest, 0)
    );
    assert_eq!(
        (events.message.as_deref(), events.payment_status()),
        (Some("일정이 바뀌었어요"), PaymentStatus::None)
    );
    assert_eq!(
        harness.history(&booking).await,
        ["→pending none by guest", "pending→cancelled none by guest"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn cancel_booking_by_the_guest_refunds_by_the_stored_policy() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let times = [
        ("2026-11-30T09:00:00Z", 60_000),
        ("2026-11-30T09:00:01Z", 54_000),
        ("2026-12-01T09:00:01Z", 0),
    ];
    for (now, refund) in times {
        harness.clock.set(at("2026-11-22T12:00:00Z"));
        let car = harness.car(host);
        let booking = harness.confirmed(guest, host, &car).await;
        harness.clock.set(at(now));
        let cancelled = harness.cancel(guest, &booking.id).await.unwrap();
        assert_eq!(cancelled.cancellation.unwrap().refund_amount, refund, "{now}");
        assert_eq!(cancelled.payment_status, i32::from(PaymentStatus::Paid));
    }
    harness.finish().await;
}

#[tokio::test]
async fn cancel_booking_by_the_host_refunds_everything_and_records_the_refund() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T08:59:00Z"));
    let cancelled = harness.cancel(host, &booking.id).await.unwrap();
    let cancellation = cancelled.cancellation.clone().unwrap();
    assert_eq!(
        (cancellation.reason(), cancellation.refund_amount),
        (CancellationReason::Host, 60_000)
    );
    let events: BookingCancelled = harness.event().await;
    assert_eq!(
        (events.refund_amount, events.payment_status()),
        (60_000, PaymentStatus::Paid)
    );

    harness
        .send_peer_event(&booking, PeerEvent::Refunded, Uuid::nil())
        .await;
    harness.handled("payment").await;
    let refunded = harness.get(host, &booking.id).await.unwrap();
    assert_eq!(
        refunded,
        Booking {
            payment_status: PaymentStatus::Refunded.into(),
            ..cancelled
        }
    );
    assert_eq!(
        harness.history(&booking).await.last().unwrap(),
        "cancelled→cancelled refunded by payment"
    );
    harness.finish().await;
}

/// The charge is in progress and its outcome unknown: no amount is promised, and payment has to refund whatever it captures.
#[tokio::test]
async fn cancel_booking_during_a_charge_refunds_the_later_capture() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &booking.id).await.unwrap();
    let cancelled = harness.cancel(guest, &booking.id).await.unwrap();
    assert_eq!(cancelled.cancellation.as_ref().unwrap().refund_amount, 0);
    let events: BookingCancelled = harness.event().await;
    assert_eq!(
        (events.refund_amount, events.payment_status()),
        (0, PaymentStatus::Pending)
    );

    harness.capture(&booking).await;
    let late = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (late.status(), late.payment_status()),
        (BookingStatus::Cancelled, PaymentStatus::Paid)
    );
    assert_eq!(
        (late.cancellation.unwrap().refund_amount, late.confirmed_at),
        (60_000, None)
    );
    harness
        .send_peer_event(&booking, PeerEvent::Refunded, Uuid::nil())
        .await;
    harness.handled("payment").await;
    let settled = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(settled.payment_status(), PaymentStatus::Refunded);
    assert_eq!(
        harness.events(&booking).await,
        ["booking.requested", "booking.approved", "booking.cancelled"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn cancel_booking_by_another_user_is_refused() {
    let harness = Harness::start().await;
    let booking = harness
        .pending(harness.guest(), &harness.car(harness.host()))
        .await;
    for stranger in [harness.guest(), harness.host()] {
        assert_reason(
            harness.cancel(stranger, &booking.id).await,
            ErrorReason::BookingNotFound,
        );
    }
    let admin = harness.cancel(harness.person("admin"), &booking.id).await;
    assert_eq!(admin.unwrap_err().code(), Code::PermissionDenied);
    harness.finish().await;
}
