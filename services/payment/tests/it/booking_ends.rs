//! Ends of bookings before, during and after the charge, with late, repeated and reordered events.

use std::time::Duration;

use carshare_proto::booking::v1::{BookingExpired, BookingRejected, PaymentStatus as Known};
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use rstest::rstest;

use crate::harness::*;
use crate::paused_provider::{Verb, When};

#[rstest]
#[case::all(45_000, 45_000, 0, &[])]
#[case::half(22_500, 22_500, 3_375, &["host_payable -19125", "platform_fee -3375", "provider_clearing 22500"])]
#[case::odd(33_333, 33_333, 1_750, &["host_payable -9917", "platform_fee -1750", "provider_clearing 11667"])]
#[case::more_than_the_balance(99_999, 45_000, 0, &[])]
#[tokio::test]
async fn cancelled_booking_is_refunded_by_the_amount_of_the_event(
    #[case] refund_amount: i64,
    #[case] refunded: i64,
    #[case] fee: i64,
    #[case] kept: &[&str],
) {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let booking = harness.approved(guest).await;
    harness.until(&booking, "completed").await;
    harness.cancel(&booking, refund_amount, Known::Paid).await;
    let row = harness.until(&booking, "refunded").await;

    assert_eq!((row.refunded_krw, row.fee_krw), (refunded, fee));
    assert_eq!(harness.only_capture().balance_amount, PRICE - refunded);
    let nothing = ["host_payable 0", "platform_fee 0", "provider_clearing 0"];
    assert_eq!(
        harness.balances().await,
        if kept.is_empty() { &nothing } else { kept }
    );
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    let event: PaymentRefunded = harness.event().await;
    assert_eq!(
        (event.refunded_amount, event.refunded_total, event.captured_amount),
        (refunded, refunded, PRICE)
    );
    assert_eq!(event.booking_id, booking.id);
    let seen = harness.get(guest, &booking).await.unwrap();
    assert_eq!(
        (seen.status(), seen.refunded_amount),
        (PaymentStatus::Refunded, refunded)
    );
    assert_eq!(seen.platform_fee + seen.host_amount, PRICE - refunded);
    harness.finish().await;
}

#[tokio::test]
async fn no_refund_if_the_event_says_zero() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.cancel(&booking, 0, Known::Paid).await;
    assert_eq!(harness.count("SELECT count(*) AS count FROM refunds").await, 0);
    assert_eq!(
        (
            harness.row(&booking).await.unwrap().state.as_str(),
            harness.request_count("/cancel")
        ),
        ("completed", 0)
    );
    harness.finish().await;
}

#[tokio::test]
async fn repeated_cancellation_is_refunded_once() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.cancel(&booking, 10_000, Known::Paid).await;
    harness.until(&booking, "refunded").await;
    harness.cancel(&booking, 20_000, Known::Paid).await;
    assert_eq!(harness.row(&booking).await.unwrap().refunded_krw, 10_000);
    assert_eq!(harness.request_count("/cancel"), 1);
    harness.finish().await;
}

/// The amount of the event is not valid when booking did not know of the capture.
#[tokio::test]
async fn capture_unknown_to_booking_is_refunded_in_full() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.cancel(&booking, 0, Known::Pending).await;
    assert_eq!(harness.until(&booking, "refunded").await.refunded_krw, PRICE);
    harness.finish().await;
}

#[tokio::test]
async fn approval_after_the_end_is_not_charged() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let ended = [
        harness.booking(guest),
        harness.booking(guest),
        harness.booking(guest),
    ];
    let facts = |index: usize| (ended[index].id.clone(), Some(ended[index].facts.clone()));
    harness.cancel(&ended[0], 0, Known::None).await;
    let (booking_id, booking) = facts(1);
    harness
        .publish(BookingRejected {
            booking_id,
            booking,
            host_response: None,
        })
        .await;
    let (booking_id, booking) = facts(2);
    harness.publish(BookingExpired { booking_id, booking }).await;
    for booking in &ended {
        harness.approve(booking).await;
        assert_eq!(harness.row(booking).await, None);
        assert_reason(harness.get(guest, booking).await, ErrorReason::PaymentNotFound);
    }
    assert_eq!(harness.request_count("/v1/billing/bsbx"), 0);
    harness.finish().await;
}

#[tokio::test]
async fn requested_payment_fails_when_the_booking_ends() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    harness.until(&booking, "requested").await;
    harness.cancel(&booking, 0, Known::Pending).await;
    let row = harness.until(&booking, "failed").await;
    assert_eq!(row.failure_code.as_deref(), Some("BOOKING_CLOSED"));
    // No payment.failed: booking knows that it ended.
    assert_eq!(harness.published_events(&booking).await, ["payment.requested"]);
    harness.finish().await;
}

/// The charge is in progress when the booking ends, and succeeds.
#[rstest]
#[case::before_the_request(When::Before)]
#[case::after_the_response(When::After)]
#[tokio::test]
async fn charge_in_progress_is_refunded_in_full_when_the_booking_ends(#[case] place: When) {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.instance.provider.pause_at(Verb::Charge, place);
    let booking = harness.approved(guest).await;
    harness.instance.provider.paused().await;
    harness.cancel(&booking, 0, Known::Pending).await;
    assert_eq!(harness.row(&booking).await.unwrap().state, "unknown");
    harness.instance.provider.resume();
    let row = harness.until(&booking, "refunded").await;
    assert_eq!(
        (row.refunded_krw, harness.only_capture().balance_amount),
        (PRICE, 0)
    );
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    harness.finish().await;
}

/// The call was lost and the booking ended: the call is not repeated, and looked up until it can no longer arrive.
#[tokio::test]
async fn lost_charge_is_not_repeated_after_the_booking_ended() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/").times(2));
    let booking = harness.approved(guest).await;
    wait_until(|| async { harness.request_count("/v1/billing/bsbx") == 1 }).await;
    harness.cancel(&booking, 0, Known::Pending).await;
    harness.clock.advance(std::time::Duration::from_mins(14));
    wait_until(|| async { harness.request_count("/v1/payments/orders") == 1 }).await;
    assert_eq!(harness.row(&booking).await.unwrap().state, "unknown");
    harness.clock.advance(std::time::Duration::from_mins(1));
    let row = harness.pass_time_until(&booking, "failed").await;
    assert_eq!(row.failure_code.as_deref(), Some("BOOKING_CLOSED"));
    assert_eq!(harness.attempts(&row).await, ["billing given_up NO_ANSWER"]);
    assert_eq!(
        (
            harness.request_count("/v1/billing/bsbx"),
            harness.published_events(&booking).await.len()
        ),
        (1, 0)
    );
    harness.finish().await;
}

#[tokio::test]
async fn decline_after_the_end_of_the_booking_publishes_nothing() {
    let harness = Harness::start().await;
    let guest = harness.guest_with("4330000000000101").await;
    harness.instance.provider.pause_at(Verb::Charge, When::Before);
    let booking = harness.approved(guest).await;
    harness.instance.provider.paused().await;
    harness.cancel(&booking, 0, Known::Pending).await;
    harness.instance.provider.resume();
    let row = harness.until(&booking, "failed").await;
    assert_eq!(row.failure_code.as_deref(), Some("BOOKING_CLOSED"));
    assert_eq!(harness.published_events(&booking).await, Vec::<String>::new());
    harness.finish().await;
}

/// Either nothing is charged, or everything is refunded.
#[tokio::test]
async fn concurrent_approval_and_cancellation() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let bookings: Vec<Booking> = (0..20).map(|_| harness.booking(guest)).collect();
    for (index, booking) in bookings.iter().enumerate() {
        let cancellation = booking.cancellation(0, Known::Pending);
        if index % 2 == 0 {
            harness.send(harness.approval(booking)).await;
            harness.send(cancellation).await;
        } else {
            tokio::join!(
                harness.send(harness.approval(booking)),
                harness.send(cancellation)
            );
        }
    }
    harness.handled().await;
    for booking in &bookings {
        wait_until(|| async {
            harness
                .row(booking)
                .await
                .is_none_or(|row| ["failed", "refunded"].contains(&row.state.as_str()))
        })
        .await;
        harness.clock.advance(Duration::from_secs(1));
    }
    assert!(
        harness
            .captured()
            .values()
            .all(|payment| payment.balance_amount == 0)
    );
    harness.finish().await;
}
