//! Refunds under failures of the provider.

use std::time::Duration;

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_sandbox::{Fault, Provider};
use serde_json::json;

use crate::harness::*;
use crate::instance::Instance;
use crate::paused_provider::{Verb, When};

async fn paid() -> (Harness, Booking) {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    (harness, booking)
}

async fn refund_id(harness: &Harness) -> String {
    harness
        .lines("SELECT id::text AS line FROM refunds")
        .await
        .remove(0)
}

#[tokio::test]
async fn lost_reply_of_a_cancel_is_looked_up_and_not_repeated() {
    let (harness, booking) = paid().await;
    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/cancel"));
    harness.cancel(&booking, 20_000, Known::Paid).await;
    let row = harness.pass_time_until(&booking, "refunded").await;
    assert_eq!(
        (row.refunded_krw, harness.only_capture().balance_amount),
        (20_000, 25_000)
    );
    assert_eq!(harness.request_count("/cancel"), 1, "looked up, not repeated");
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn refused_connection_is_retried_under_the_same_key() {
    let (harness, booking) = paid().await;
    harness.sandbox.inject(Fault::refuse(Provider::Toss, "/cancel"));
    harness.cancel(&booking, 20_000, Known::Paid).await;
    harness.pass_time_until(&booking, "refunded").await;
    let key = format!("refund:{}:1", refund_id(&harness).await);
    assert_eq!(harness.keys_used("/cancel"), [key.clone(), key]);
    harness.finish().await;
}

#[tokio::test]
async fn answered_error_is_retried_under_a_new_key() {
    let (harness, booking) = paid().await;
    let failed = json!({"code": "FAILED_REFUND_PROCESS", "message": "m"});
    harness.sandbox.inject(Fault {
        body: failed,
        ..Fault::error(Provider::Toss, "/cancel", 500)
    });
    harness.cancel(&booking, 20_000, Known::Paid).await;
    harness.pass_time_until(&booking, "refunded").await;
    let id = refund_id(&harness).await;
    assert_eq!(
        harness.keys_used("/cancel"),
        [format!("refund:{id}:1"), format!("refund:{id}:2")]
    );
    harness.finish().await;
}

#[tokio::test]
async fn permanently_rejected_refund_is_retried_hourly() {
    let (harness, booking) = paid().await;
    let rejected = json!({"code": "REFUND_REJECTED", "message": "m"});
    harness.sandbox.inject(Fault {
        body: rejected,
        ..Fault::error(Provider::Toss, "/cancel", 400)
    });
    harness.cancel(&booking, 20_000, Known::Paid).await;
    wait_until(|| async {
        harness
            .lines("SELECT coalesce(code, '') AS line FROM refunds")
            .await
            == ["REFUND_REJECTED"]
    })
    .await;
    harness.clock.advance(std::time::Duration::from_mins(59));
    assert_eq!(
        (
            harness.row(&booking).await.unwrap().state.as_str(),
            harness.request_count("/cancel")
        ),
        ("completed", 1)
    );
    harness.pass_time_until(&booking, "refunded").await;
    assert_eq!(harness.request_count("/cancel"), 2);
    harness.finish().await;
}

/// An operator refunded a part in the provider's console, without a webhook.
#[tokio::test]
async fn refund_at_the_provider_is_recorded_and_not_repeated() {
    let (harness, booking) = paid().await;
    harness.cancel_at_toss(&harness.only_capture(), 30_000).await;
    harness.cancel(&booking, 45_000, Known::Paid).await;
    wait_until(|| async {
        harness.clock.advance(std::time::Duration::from_secs(1));
        harness
            .row(&booking)
            .await
            .is_some_and(|row| row.refunded_krw == 45_000)
    })
    .await;
    assert_eq!(harness.only_capture().balance_amount, 0);
    let refunds = "SELECT concat_ws(' ', origin, state, amount_krw) AS line FROM refunds ORDER BY amount_krw";
    assert_eq!(
        harness.lines(refunds).await,
        ["booking_end done 15000", "provider done 30000"]
    );
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.refunded", "payment.refunded"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn refund_is_void_after_a_full_refund_at_the_provider() {
    let (harness, booking) = paid().await;
    harness.cancel_at_toss(&harness.only_capture(), PRICE).await;
    harness.cancel(&booking, 10_000, Known::Paid).await;
    harness.pass_time_until(&booking, "refunded").await;
    wait_until(|| async {
        harness
            .lines("SELECT state AS line FROM refunds ORDER BY 1")
            .await
            == ["done", "void"]
    })
    .await;
    assert_eq!(
        harness.balances().await,
        ["host_payable 0", "platform_fee 0", "provider_clearing 0"]
    );
    harness.finish().await;
}

/// The worker hangs with the response to its cancel until another replica has looked the cancel up.
#[tokio::test]
async fn refund_of_a_worker_whose_claim_has_ended_is_recorded_once() {
    let (harness, booking) = paid().await;
    let other = Instance::start(&harness.config, &harness.environment).await;
    harness.instance.provider.pause_at(Verb::Cancel, When::After);
    other.provider.pause_at(Verb::Cancel, When::After);
    harness.cancel(&booking, 20_000, Known::Paid).await;
    tokio::select! {
        () = harness.instance.provider.paused() => other.provider.resume(),
        () = other.provider.paused() => harness.instance.provider.resume(),
    }
    harness.clock.advance(Duration::from_secs(15));
    let row = harness.until_refunded(&booking, 20_000).await;
    assert_eq!(row.state, "refunded");
    harness.instance.provider.resume();
    other.provider.resume();
    other.stop().await;
    assert_eq!(harness.request_count("/cancel"), 1);
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    harness.finish().await;
}
