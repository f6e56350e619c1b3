//! The booking ends: before, during and after its charge. The events come late, twice, or in the wrong order.

use std::time::Duration;

use carshare_proto::booking::v1::{BookingExpired, BookingRejected, PaymentStatus as Known};
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use rstest::rstest;

use crate::bench::*;
use crate::staged::{Place, Verb};

#[rstest]
#[case::all(45_000, 45_000, 0, &[])]
#[case::half(22_500, 22_500, 3_375, &["host_payable -19125", "platform_fee -3375", "provider_clearing 22500"])]
#[case::odd(33_333, 33_333, 1_750, &["host_payable -9917", "platform_fee -1750", "provider_clearing 11667"])]
#[case::more_than_there_is(99_999, 45_000, 0, &[])]
#[tokio::test]
async fn a_paid_booking_that_is_cancelled_is_refunded_as_the_event_says(
    #[case] refund_amount: i64,
    #[case] refunded: i64,
    #[case] fee: i64,
    #[case] kept: &[&str],
) {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    let booking = bench.approved(guest).await;
    bench.until(&booking, "completed").await;
    bench.cancel(&booking, refund_amount, Known::Paid).await;
    let row = bench.until(&booking, "refunded").await;

    assert_eq!((row.refunded_krw, row.fee_krw), (refunded, fee));
    assert_eq!(bench.only_capture().balance_amount, PRICE - refunded);
    let nothing = ["host_payable 0", "platform_fee 0", "provider_clearing 0"];
    assert_eq!(
        bench.balances().await,
        if kept.is_empty() { &nothing } else { kept }
    );
    assert_eq!(
        bench.told(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    let event: PaymentRefunded = bench.event().await;
    assert_eq!(
        (event.refunded_amount, event.booking_id),
        (refunded, booking.id.clone())
    );
    let seen = bench.get(guest, &booking).await.unwrap();
    assert_eq!(
        (seen.status(), seen.refunded_amount),
        (PaymentStatus::Refunded, refunded)
    );
    assert_eq!(seen.platform_fee + seen.host_amount, PRICE - refunded);
    bench.finish().await;
}

#[tokio::test]
async fn nothing_goes_back_when_the_policy_says_so() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    bench.cancel(&booking, 0, Known::Paid).await;
    assert_eq!(bench.count("SELECT count(*) AS count FROM refunds").await, 0);
    assert_eq!(
        (
            bench.row(&booking).await.unwrap().state.as_str(),
            bench.asked("/cancel")
        ),
        ("completed", 0)
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_cancellation_that_comes_twice_is_refunded_once() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    bench.cancel(&booking, 10_000, Known::Paid).await;
    bench.until(&booking, "refunded").await;
    bench.cancel(&booking, 20_000, Known::Paid).await;
    assert_eq!(bench.row(&booking).await.unwrap().refunded_krw, 10_000);
    assert_eq!(bench.asked("/cancel"), 1);
    bench.finish().await;
}

/// Booking did not know of the capture when it was cancelled: its zero is no policy.
#[tokio::test]
async fn a_capture_that_booking_did_not_know_of_goes_back_whole() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    bench.cancel(&booking, 0, Known::Pending).await;
    assert_eq!(bench.until(&booking, "refunded").await.refunded_krw, PRICE);
    bench.finish().await;
}

#[tokio::test]
async fn a_booking_that_ended_before_its_approval_arrived_is_never_charged() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    let ended = [bench.booking(guest), bench.booking(guest), bench.booking(guest)];
    let facts = |index: usize| (ended[index].id.clone(), Some(ended[index].facts.clone()));
    bench.cancel(&ended[0], 0, Known::None).await;
    let (booking_id, booking) = facts(1);
    bench
        .publish(BookingRejected {
            booking_id,
            booking,
            host_response: None,
        })
        .await;
    let (booking_id, booking) = facts(2);
    bench.publish(BookingExpired { booking_id, booking }).await;
    for booking in &ended {
        bench.approve(booking).await;
        assert_eq!(bench.row(booking).await, None);
        refused(bench.get(guest, booking).await, ErrorReason::PaymentNotFound);
    }
    assert_eq!(bench.asked("/v1/billing/bsbx"), 0);
    bench.finish().await;
}

#[tokio::test]
async fn a_booking_that_ends_while_the_guest_is_asked_to_pay_is_called_off() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let booking = bench.approved(guest).await;
    bench.until(&booking, "requested").await;
    bench.cancel(&booking, 0, Known::Pending).await;
    let row = bench.until(&booking, "failed").await;
    assert_eq!(row.failure_code.as_deref(), Some("BOOKING_CLOSED"));
    // Booking knows: it is what ended it.
    assert_eq!(bench.told(&booking).await, ["payment.requested"]);
    bench.finish().await;
}

/// The charge is on its way when the booking ends, and arrives.
#[rstest]
#[case::before_the_call_left(Place::Before)]
#[case::after_the_call_was_answered(Place::After)]
#[tokio::test]
async fn a_charge_that_is_under_way_when_the_booking_ends_goes_back_whole(#[case] place: Place) {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench.instance.provider.stop(Verb::Charge, place);
    let booking = bench.approved(guest).await;
    bench.instance.provider.stopped().await;
    bench.cancel(&booking, 0, Known::Pending).await;
    assert_eq!(bench.row(&booking).await.unwrap().state, "unknown");
    bench.instance.provider.release();
    let row = bench.until(&booking, "refunded").await;
    assert_eq!(
        (row.refunded_krw, bench.only_capture().balance_amount),
        (PRICE, 0)
    );
    assert_eq!(
        bench.told(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    bench.finish().await;
}

/// The charge got lost and the booking ended: whether it will still arrive is not known, so nothing is repeated and the
/// question is asked until it cannot any more.
#[tokio::test]
async fn a_charge_that_was_lost_when_the_booking_ended_is_not_repeated() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/").times(2));
    let booking = bench.approved(guest).await;
    soon(|| async { bench.asked("/v1/billing/bsbx") == 1 }).await;
    bench.cancel(&booking, 0, Known::Pending).await;
    bench.clock.advance(std::time::Duration::from_mins(14));
    soon(|| async { bench.asked("/v1/payments/orders") == 1 }).await;
    assert_eq!(bench.row(&booking).await.unwrap().state, "unknown");
    bench.clock.advance(std::time::Duration::from_mins(1));
    let row = bench.pass_time_until(&booking, "failed").await;
    assert_eq!(row.failure_code.as_deref(), Some("BOOKING_CLOSED"));
    assert_eq!(bench.attempts(&row).await, ["billing given_up NO_ANSWER"]);
    assert_eq!(
        (bench.asked("/v1/billing/bsbx"), bench.told(&booking).await.len()),
        (1, 0)
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_decline_after_the_end_of_the_booking_is_not_told() {
    let bench = Bench::start().await;
    let guest = bench.guest_with("4330000000000101").await;
    bench.instance.provider.stop(Verb::Charge, Place::Before);
    let booking = bench.approved(guest).await;
    bench.instance.provider.stopped().await;
    bench.cancel(&booking, 0, Known::Pending).await;
    bench.instance.provider.release();
    let row = bench.until(&booking, "failed").await;
    assert_eq!(row.failure_code.as_deref(), Some("BOOKING_CLOSED"));
    assert_eq!(bench.told(&booking).await, Vec::<String>::new());
    bench.finish().await;
}

/// Approval and cancellation at the very same time, many times: either nothing is charged, or all of it goes back.
#[tokio::test]
async fn approval_and_cancellation_race() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    let bookings: Vec<Booking> = (0..20).map(|_| bench.booking(guest)).collect();
    for (index, booking) in bookings.iter().enumerate() {
        let cancellation = booking.cancellation(0, Known::Pending);
        if index % 2 == 0 {
            bench.send(bench.approval(booking)).await;
            bench.send(cancellation).await;
        } else {
            tokio::join!(bench.send(bench.approval(booking)), bench.send(cancellation));
        }
    }
    bench.handled().await;
    for booking in &bookings {
        soon(|| async {
            bench
                .row(booking)
                .await
                .is_none_or(|row| ["failed", "refunded"].contains(&row.state.as_str()))
        })
        .await;
        bench.clock.advance(Duration::from_secs(1));
    }
    assert!(
        bench
            .captured()
            .values()
            .all(|payment| payment.balance_amount == 0)
    );
    bench.finish().await;
}
