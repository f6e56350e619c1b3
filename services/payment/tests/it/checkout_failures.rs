//! `ProcessPayment` under lost replies, slow responses, expired sessions and concurrent charges.

use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};

use crate::checkout::requested_payment;
use crate::harness::*;

#[tokio::test]
async fn unknown_outcome_returns_retry_delay_and_is_resolved_by_the_worker() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/confirm"));
    let unavailable = assert_reason(
        harness.process(guest, request.clone()).await,
        ErrorReason::ProviderUnavailable,
    );
    assert!(unavailable.retry_delay().is_some());
    harness.pass_time_until(&booking, "completed").await;
    assert_eq!(
        harness.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    assert_eq!(
        (harness.request_count("/confirm"), harness.captured().len()),
        (1, 1)
    );
    harness.finish().await;
}

#[tokio::test]
async fn repeated_call_resolves_an_unknown_outcome() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/confirm"));
    assert_reason(
        harness.process(guest, request.clone()).await,
        ErrorReason::ProviderUnavailable,
    );
    assert_eq!(
        harness.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    assert_eq!(harness.request_count("/confirm"), 1);
    harness.finish().await;
}

#[tokio::test]
async fn client_deadline_does_not_cancel_the_confirmation() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::delay(Provider::Toss, "/confirm", 6_000));
    let mut call = harness.request(guest, request);
    // The service keeps a share of it for its reply, which has to be long enough on a loaded machine.
    call.set_timeout(std::time::Duration::from_secs(5));
    assert_reason(
        harness.client.clone().process_payment(call).await,
        ErrorReason::ProviderUnavailable,
    );
    let row = harness.until(&booking, "completed").await;
    assert_eq!(harness.attempts(&row).await, ["checkout captured"]);
    harness.finish().await;
}

#[tokio::test]
async fn expired_session_is_declined_and_can_be_renewed() {
    let (harness, guest, booking, row) = requested_payment().await;
    let old = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    harness.clock.advance(std::time::Duration::from_mins(11));
    let error = assert_reason(harness.process(guest, old).await, ErrorReason::PaymentDeclined);
    assert_eq!(error.metadata()["provider_code"], "NOT_FOUND_PAYMENT_SESSION");
    let new = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    harness.process(guest, new).await.unwrap();
    harness.finish().await;
}

/// The guest pays in the window while the worker charges their card: only one of both captures.
#[tokio::test]
async fn concurrent_checkout_and_charge_capture_once() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.instance.provider.pause_at(
        crate::paused_provider::Verb::Charge,
        crate::paused_provider::When::Before,
    );
    let booking = harness.approved(guest).await;
    harness.instance.provider.paused().await;
    let row = harness.row(&booking).await.unwrap();
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    assert_reason(
        harness.process(guest, request.clone()).await,
        ErrorReason::ProviderUnavailable,
    );
    harness.instance.provider.resume();
    harness.until(&booking, "completed").await;
    assert_reason(harness.process(guest, request).await, ErrorReason::PaymentClosed);
    assert_eq!(
        (harness.request_count("/confirm"), harness.captured().len()),
        (0, 1)
    );
    harness.finish().await;
}
