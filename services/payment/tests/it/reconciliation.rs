//! Comparison of finished payments with the provider: what the provider has is recorded without a webhook.

use std::time::Duration;

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_proto::payment::v1::PaymentRefunded;
use carshare_sandbox::{Fault, Provider};

use crate::harness::*;
use crate::instance::Instance;
use crate::paused_provider::{Verb, When};

const DAY: Duration = Duration::from_hours(24);

async fn paid() -> (Harness, Booking) {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    (harness, booking)
}

async fn next_reconciliation(harness: &Harness) -> i64 {
    harness
        .count("SELECT count(next_reconciliation_at) AS count FROM payments")
        .await
}

/// Whether the next reconciliation is more than an hour ahead.
async fn is_scheduled_in_an_hour(harness: &Harness) -> bool {
    let time = harness.clock.now() + chrono::TimeDelta::hours(1);
    let sql = format!(
        "SELECT count(*) AS count FROM payments WHERE next_reconciliation_at > '{}'",
        time.to_rfc3339()
    );
    harness.count(&sql).await == 1
}

#[tokio::test]
async fn partial_cancel_without_a_webhook_is_found_within_the_interval() {
    let (harness, booking) = paid().await;
    harness.cancel_at_toss(&harness.only_capture(), 5_000).await;
    harness.clock.advance(Duration::from_hours(6));
    let row = harness.until_refunded(&booking, 5_000).await;
    assert_eq!((row.state.as_str(), row.fee_krw), ("completed", 6_000));
    let event: PaymentRefunded = harness.event().await;
    assert_eq!(
        (event.refunded_amount, event.refunded_total, event.captured_amount),
        (5_000, 5_000, PRICE)
    );
    harness.finish().await;
}

#[tokio::test]
async fn full_cancel_without_a_webhook_is_found_within_the_interval() {
    let (harness, booking) = paid().await;
    harness.cancel_at_toss(&harness.only_capture(), PRICE).await;
    harness.clock.advance(Duration::from_hours(6));
    let row = harness.until_refunded(&booking, PRICE).await;
    assert_eq!(row.state, "refunded");
    harness.finish().await;
}

#[tokio::test]
async fn lookups_end_a_week_after_the_rental() {
    let (harness, _) = paid().await;
    // The rental of the harness ends after three days.
    harness.clock.advance(DAY * 9);
    wait_until(|| async { harness.request_count("/v1/payments/") == 1 }).await;
    // Before the next one is scheduled the row has the end of its claim.
    wait_until(|| async { is_scheduled_in_an_hour(&harness).await }).await;
    harness.clock.advance(DAY);
    wait_until(|| async { next_reconciliation(&harness).await == 0 }).await;
    assert_eq!(harness.request_count("/v1/payments/"), 2);
    harness.finish().await;
}

#[tokio::test]
async fn lookup_is_repeated_while_the_provider_is_unreachable() {
    let (harness, booking) = paid().await;
    harness.cancel_at_toss(&harness.only_capture(), 5_000).await;
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/payments").times(3));
    harness.clock.advance(Duration::from_hours(6));
    harness.until_refunded(&booking, 5_000).await;
    harness.finish().await;
}

#[tokio::test]
async fn two_replicas_record_a_cancel_once() {
    let (harness, booking) = paid().await;
    let other = Instance::start(&harness.config, &harness.environment).await;
    harness.cancel_at_toss(&harness.only_capture(), 5_000).await;
    harness.instance.provider.pause_at(Verb::Find, When::After);
    other.provider.pause_at(Verb::Find, When::After);
    harness.clock.advance(Duration::from_hours(6));
    tokio::select! {
        () = harness.instance.provider.paused() => other.provider.resume(),
        () = other.provider.paused() => harness.instance.provider.resume(),
    }
    // The claim of the paused worker ends, and the other one records the cancel.
    harness.clock.advance(Duration::from_secs(15));
    harness.until_refunded(&booking, 5_000).await;
    harness.instance.provider.resume();
    other.provider.resume();
    other.stop().await;
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    harness.finish().await;
}

/// A cancellation's amount is a total: a partial refund that was made at the provider, and found late, counts.
#[tokio::test]
async fn refund_at_the_provider_counts_towards_the_refund_of_a_cancellation() {
    let (harness, booking) = paid().await;
    harness.cancel_at_toss(&harness.only_capture(), 10_000).await;
    harness.cancel(&booking, 22_500, Known::Paid).await;
    let row = harness.pass_time_until(&booking, "refunded").await;
    assert_eq!(
        (row.refunded_krw, harness.only_capture().balance_amount),
        (22_500, 22_500)
    );
    harness.finish().await;
}
