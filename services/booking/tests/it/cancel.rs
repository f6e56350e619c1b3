//! `CancelBooking`: by whom, and what goes back.

use carshare_proto::booking::v1::*;
use tonic::Code;
use uuid::Uuid;

use crate::bench::*;
use crate::events::Foreign;

#[tokio::test]
async fn cancel_booking_of_a_request_owes_nothing() {
    let bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let booking = bench.pending(guest, &bench.car(host)).await;
    wrong_state(bench.cancel(host, &booking.id).await, "pending", "cancelled");
    let wish = || {
        let wish = CancelBookingRequest {
            booking_id: booking.id.clone(),
            message: Some("일정이 바뀌었어요".into()),
        };
        keyed(bench.by(guest, wish), "off-1")
    };
    let cancelled = only(bench.client.clone().cancel_booking(wish()).await).unwrap();
    let expected = Booking {
        status: BookingStatus::Cancelled.into(),
        cancellation: Some(Cancellation {
            reason: CancellationReason::Guest.into(),
            message: Some("일정이 바뀌었어요".into()),
            refund_amount: 0,
            cancelled_at: Some(stamp("2026-11-22T12:00:00Z")),
        }),
        ..booking.clone()
    };
    assert_eq!(cancelled, expected);
    assert_eq!(
        only(bench.client.clone().cancel_booking(wish()).await).unwrap(),
        expected
    );
    wrong_state(bench.cancel(guest, &booking.id).await, "cancelled", "cancelled");
    let told: BookingCancelled = bench.event().await;
    assert_eq!(
        (told.reason(), told.refund_amount),
        (CancellationReason::Guest, 0)
    );
    assert_eq!(
        (told.message.as_deref(), told.payment_status()),
        (Some("일정이 바뀌었어요"), PaymentStatus::None)
    );
    assert_eq!(
        bench.history(&booking).await,
        ["→pending none by guest", "pending→cancelled none by guest"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn cancel_booking_by_the_guest_follows_the_stored_policy() {
    let mut bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let times = [
        ("2026-11-30T09:00:00Z", 60_000),
        ("2026-11-30T09:00:01Z", 30_000),
        ("2026-12-01T06:00:01Z", 0),
    ];
    for (now, refund) in times {
        bench.clock.set(at("2026-11-22T12:00:00Z"));
        let car = bench.car(host);
        let booking = bench.confirmed(guest, host, &car).await;
        bench.clock.set(at(now));
        let cancelled = bench.cancel(guest, &booking.id).await.unwrap();
        assert_eq!(cancelled.cancellation.unwrap().refund_amount, refund, "{now}");
        assert_eq!(cancelled.payment_status, i32::from(PaymentStatus::Paid));
    }
    bench.finish().await;
}

#[tokio::test]
async fn cancel_booking_by_the_host_gives_everything_back_and_the_refund_is_recorded() {
    let mut bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let car = bench.car(host);
    let booking = bench.confirmed(guest, host, &car).await;
    bench.clock.set(at("2026-12-01T08:59:00Z"));
    let cancelled = bench.cancel(host, &booking.id).await.unwrap();
    let cancellation = cancelled.cancellation.clone().unwrap();
    assert_eq!(
        (cancellation.reason(), cancellation.refund_amount),
        (CancellationReason::Host, 60_000)
    );
    let told: BookingCancelled = bench.event().await;
    assert_eq!(
        (told.refund_amount, told.payment_status()),
        (60_000, PaymentStatus::Paid)
    );

    bench.tell(&booking, Foreign::Refunded, Uuid::nil()).await;
    bench.handled("payment").await;
    let refunded = bench.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        refunded,
        Booking {
            payment_status: PaymentStatus::Refunded.into(),
            ..cancelled
        }
    );
    assert_eq!(
        bench.history(&booking).await.last().unwrap(),
        "cancelled→cancelled refunded by payment"
    );
    bench.finish().await;
}

/// The charge is under way: nobody knows of money, so nothing is promised, and payment is told to give back whatever it gets.
#[tokio::test]
async fn cancel_booking_while_the_charge_is_under_way() {
    let mut bench = Bench::start().await;
    let (guest, host) = (bench.guest(), bench.host());
    let booking = bench.pending(guest, &bench.car(host)).await;
    bench.approve(host, &booking.id).await.unwrap();
    let cancelled = bench.cancel(guest, &booking.id).await.unwrap();
    assert_eq!(cancelled.cancellation.as_ref().unwrap().refund_amount, 0);
    let told: BookingCancelled = bench.event().await;
    assert_eq!(
        (told.refund_amount, told.payment_status()),
        (0, PaymentStatus::Pending)
    );

    bench.paid(&booking).await;
    let late = bench.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (late.status(), late.payment_status()),
        (BookingStatus::Cancelled, PaymentStatus::Paid)
    );
    assert_eq!(
        (late.cancellation.unwrap().refund_amount, late.confirmed_at),
        (60_000, None)
    );
    bench.tell(&booking, Foreign::Refunded, Uuid::nil()).await;
    bench.handled("payment").await;
    let settled = bench.get(guest, &booking.id).await.unwrap();
    assert_eq!(settled.payment_status(), PaymentStatus::Refunded);
    assert_eq!(
        bench.told(&booking).await,
        ["booking.requested", "booking.approved", "booking.cancelled"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn cancel_booking_is_for_its_sides() {
    let bench = Bench::start().await;
    let booking = bench.pending(bench.guest(), &bench.car(bench.host())).await;
    for stranger in [bench.guest(), bench.host()] {
        refused(
            bench.cancel(stranger, &booking.id).await,
            ErrorReason::BookingNotFound,
        );
    }
    let admin = bench.cancel(bench.person("admin"), &booking.id).await;
    assert_eq!(admin.unwrap_err().code(), Code::PermissionDenied);
    bench.finish().await;
}
