//! Crashes between the steps of charges and refunds. Another process resolves what is committed.

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_proto::payment::v1::*;
use rstest::rstest;

use crate::harness::*;
use crate::instance::Instance;
use crate::paused_provider::{Verb, When};

#[rstest]
#[case::after_the_attempt_is_committed(When::Before, 2)]
#[case::before_the_result_is_committed(When::After, 1)]
#[tokio::test]
async fn crash_during_a_charge_captures_once(#[case] when: When, #[case] max_requests: usize) {
    let mut harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.instance.provider.pause_at(Verb::Charge, when);
    let booking = harness.approved(guest).await;
    harness.instance.provider.paused().await;
    harness.crash_and_restart().await;
    let row = harness.pass_time_until(&booking, "completed").await;

    assert_eq!(harness.only_capture().total_amount, PRICE);
    assert_eq!(harness.attempts(&row).await, ["billing captured"]);
    assert!(harness.request_count("/v1/billing/bsbx") <= max_requests);
    assert_eq!(harness.published_events(&booking).await, ["payment.completed"]);
    harness.finish().await;
}

/// The client loses its connection as well; the attempt is committed.
#[rstest]
#[case::before(When::Before)]
#[case::after(When::After)]
#[tokio::test]
async fn crash_during_a_confirmation_captures_once(#[case] when: When) {
    let mut harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "requested").await;
    let payment_key = harness.pay_in_window(&row.order_id, PRICE, GOOD_CARD).await;
    let request = ProcessPaymentRequest {
        booking_id: booking.id.clone(),
        payment_key,
        order_id: row.order_id.clone(),
        amount: PRICE,
    };
    harness.instance.provider.pause_at(Verb::Confirm, when);
    let (call, mut client) = (harness.request(guest, request.clone()), harness.client.clone());
    let calling = carshare_chassis::task::spawn("client", async move { client.process_payment(call).await });
    harness.instance.provider.paused().await;
    harness.crash_and_restart().await;
    assert!(calling.await.unwrap().is_err());
    let row = harness.pass_time_until(&booking, "completed").await;

    assert_eq!(harness.attempts(&row).await, ["checkout captured"]);
    assert_eq!(harness.only_capture().total_amount, PRICE);
    assert_eq!(
        harness.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    harness.finish().await;
}

#[rstest]
#[case::before(When::Before)]
#[case::after(When::After)]
#[tokio::test]
async fn crash_during_a_refund_refunds_once(#[case] when: When) {
    let mut harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.instance.provider.pause_at(Verb::Cancel, when);
    harness.cancel(&booking, 15_000, Known::Paid).await;
    harness.instance.provider.paused().await;
    harness.crash_and_restart().await;
    let row = harness.pass_time_until(&booking, "refunded").await;

    assert_eq!(
        (row.refunded_krw, harness.only_capture().balance_amount),
        (15_000, 30_000)
    );
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn crash_during_a_lookup_captures_once() {
    let mut harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.instance.provider.pause_at(Verb::Charge, When::After);
    let booking = harness.approved(guest).await;
    harness.instance.provider.paused().await;
    harness.crash_and_restart().await;
    harness.instance.provider.pause_at(Verb::Find, When::After);
    harness.clock.advance(std::time::Duration::from_secs(15));
    harness.instance.provider.paused().await;
    harness.crash_and_restart().await;
    harness.pass_time_until(&booking, "completed").await;
    assert_eq!(harness.request_count("/v1/billing/bsbx"), 1);
    harness.finish().await;
}

#[tokio::test]
async fn two_replicas_capture_each_payment_once() {
    let harness = Harness::start().await;
    let other = Instance::start(&harness.config, &harness.environment).await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let bookings: Vec<Booking> = (0..20).map(|_| harness.booking(guest)).collect();
    for booking in &bookings {
        harness.send(harness.approval(booking)).await;
    }
    for booking in &bookings {
        harness.until(booking, "completed").await;
    }
    assert_eq!(
        (
            harness.captured().len(),
            harness.request_count("/v1/billing/bsbx")
        ),
        (20, 20)
    );
    other.stop().await;
    harness.finish().await;
}
