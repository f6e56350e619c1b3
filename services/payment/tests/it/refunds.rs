//! Money on its way back, when the provider stumbles.

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_sandbox::{Fault, Provider};
use serde_json::json;

use crate::bench::*;

async fn paid() -> (Bench, Booking) {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    (bench, booking)
}

async fn refund_id(bench: &Bench) -> String {
    bench
        .lines("SELECT id::text AS line FROM refunds")
        .await
        .remove(0)
}

#[tokio::test]
async fn a_reply_that_is_lost_after_the_cancel_leaves_one_refund() {
    let (bench, booking) = paid().await;
    bench.sandbox.inject(Fault::lost_reply(Provider::Toss, "/cancel"));
    bench.cancel(&booking, 20_000, Known::Paid).await;
    let row = bench.pass_time_until(&booking, "refunded").await;
    assert_eq!(
        (row.refunded_krw, bench.only_capture().balance_amount),
        (20_000, 25_000)
    );
    assert_eq!(bench.asked("/cancel"), 1, "asked about, not repeated");
    assert_eq!(
        bench.told(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_cancel_that_never_arrived_is_repeated_under_its_key() {
    let (bench, booking) = paid().await;
    bench.sandbox.inject(Fault::refuse(Provider::Toss, "/cancel"));
    bench.cancel(&booking, 20_000, Known::Paid).await;
    bench.pass_time_until(&booking, "refunded").await;
    let key = format!("refund:{}:1", refund_id(&bench).await);
    assert_eq!(bench.keys_used("/cancel"), [key.clone(), key]);
    bench.finish().await;
}

#[tokio::test]
async fn a_cancel_that_was_answered_with_an_error_is_tried_anew_under_a_new_key() {
    let (bench, booking) = paid().await;
    let failed = json!({"code": "FAILED_REFUND_PROCESS", "message": "m"});
    bench.sandbox.inject(Fault {
        body: failed,
        ..Fault::error(Provider::Toss, "/cancel", 500)
    });
    bench.cancel(&booking, 20_000, Known::Paid).await;
    bench.pass_time_until(&booking, "refunded").await;
    let id = refund_id(&bench).await;
    assert_eq!(
        bench.keys_used("/cancel"),
        [format!("refund:{id}:1"), format!("refund:{id}:2")]
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_refund_that_is_refused_for_good_is_owed_all_the_same() {
    let (bench, booking) = paid().await;
    let refusal = json!({"code": "REFUND_REJECTED", "message": "m"});
    bench.sandbox.inject(Fault {
        body: refusal,
        ..Fault::error(Provider::Toss, "/cancel", 400)
    });
    bench.cancel(&booking, 20_000, Known::Paid).await;
    soon(|| async {
        bench
            .lines("SELECT coalesce(code, '') AS line FROM refunds")
            .await
            == ["REFUND_REJECTED"]
    })
    .await;
    bench.clock.advance(std::time::Duration::from_mins(59));
    assert_eq!(
        (
            bench.row(&booking).await.unwrap().state.as_str(),
            bench.asked("/cancel")
        ),
        ("completed", 1)
    );
    bench.pass_time_until(&booking, "refunded").await;
    assert_eq!(bench.asked("/cancel"), 2);
    bench.finish().await;
}

/// A person gave some of it back in the provider's console; nobody told us.
#[tokio::test]
async fn what_was_given_back_over_there_is_found_out_and_not_given_twice() {
    let (bench, booking) = paid().await;
    bench.cancel_at_toss(&bench.only_capture(), 30_000).await;
    bench.cancel(&booking, 45_000, Known::Paid).await;
    soon(|| async {
        bench.clock.advance(std::time::Duration::from_secs(1));
        bench
            .row(&booking)
            .await
            .is_some_and(|row| row.refunded_krw == 45_000)
    })
    .await;
    assert_eq!(bench.only_capture().balance_amount, 0);
    let refunds = "SELECT concat_ws(' ', origin, state, amount_krw) AS line FROM refunds ORDER BY amount_krw";
    assert_eq!(
        bench.lines(refunds).await,
        ["closing done 15000", "provider done 30000"]
    );
    assert_eq!(
        bench.told(&booking).await,
        ["payment.completed", "payment.refunded", "payment.refunded"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn nothing_is_asked_for_when_all_was_given_back_over_there() {
    let (bench, booking) = paid().await;
    bench.cancel_at_toss(&bench.only_capture(), PRICE).await;
    bench.cancel(&booking, 10_000, Known::Paid).await;
    bench.pass_time_until(&booking, "refunded").await;
    soon(|| async { bench.lines("SELECT state AS line FROM refunds ORDER BY 1").await == ["done", "void"] })
        .await;
    assert_eq!(
        bench.balances().await,
        ["host_payable 0", "platform_fee 0", "provider_clearing 0"]
    );
    bench.finish().await;
}
