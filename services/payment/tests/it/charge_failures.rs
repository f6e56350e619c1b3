//! Charges under failures of the provider and invalid input.

use std::time::Duration;

use carshare_proto::booking::v1::BookingApproved;
use carshare_sandbox::{Fault, PaymentStatus as TossStatus, Provider};

use crate::harness::*;

#[tokio::test]
async fn lost_reply_is_looked_up_and_not_repeated() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/v1/billing/bsbx"));
    let booking = harness.approved(guest).await;
    let row = harness.pass_time_until(&booking, "completed").await;

    assert_eq!(harness.only_capture().status, TossStatus::Done);
    assert_eq!(
        harness.request_count("/v1/billing/bsbx"),
        1,
        "looked up, not repeated"
    );
    assert_eq!(harness.attempts(&row).await, ["billing captured"]);
    assert_eq!(harness.published_events(&booking).await, ["payment.completed"]);
    harness.finish().await;
}

#[tokio::test]
async fn refused_connection_is_retried_under_the_same_key() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing/bsbx"));
    let booking = harness.approved(guest).await;
    let row = harness.pass_time_until(&booking, "completed").await;
    let key = format!("charge:{}:1", row.id);
    assert_eq!(harness.keys_used("/v1/billing/bsbx"), [key.clone(), key]);
    harness.finish().await;
}

#[tokio::test]
async fn proxy_error_leaves_the_outcome_unknown() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::error(Provider::Toss, "/v1/billing/bsbx", 502));
    harness
        .sandbox
        .inject(Fault::error(Provider::Toss, "/v1/payments/orders", 404));
    let booking = harness.approved(guest).await;
    let row = harness.pass_time_until(&booking, "completed").await;
    let key = format!("charge:{}:1", row.id);
    assert_eq!(harness.keys_used("/v1/billing/bsbx"), [key.clone(), key]);
    harness.finish().await;
}

#[tokio::test]
async fn internal_error_after_the_capture_is_looked_up() {
    let harness = Harness::start().await;
    let booking = harness
        .approved(harness.guest_with("4330000000000301").await)
        .await;
    harness.pass_time_until(&booking, "completed").await;
    assert_eq!(harness.only_capture().status, TossStatus::Done);
    assert_eq!(harness.request_count("/v1/billing/bsbx"), 1);
    harness.finish().await;
}

#[tokio::test]
async fn answered_transient_error_is_retried_under_a_new_key() {
    let harness = Harness::start().await;
    let booking = harness
        .approved(harness.guest_with("4330000000000201").await)
        .await;
    let row = harness.pass_time_until(&booking, "completed").await;
    assert_eq!(
        harness.attempts(&row).await,
        ["billing failed PROVIDER_ERROR", "billing captured"]
    );
    let keys = [1, 2].map(|attempt| format!("charge:{}:{attempt}", row.id));
    assert_eq!(harness.keys_used("/v1/billing/bsbx"), keys);
    harness.finish().await;
}

/// The second attempt's call is lost, so the lookup returns the first attempt's failure.
#[tokio::test]
async fn lookup_ignores_failure_of_an_earlier_attempt() {
    let harness = Harness::start().await;
    let guest = harness.guest_with("4330000000000201").await;
    let booking = harness.approved(guest).await;
    wait_until(|| async { harness.request_count("/v1/billing/bsbx") == 1 }).await;
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing/bsbx"));
    let row = harness.pass_time_until(&booking, "completed").await;
    let key = |attempt| format!("charge:{}:{attempt}", row.id);
    assert_eq!(harness.keys_used("/v1/billing/bsbx"), [key(1), key(2), key(2)]);
    harness.finish().await;
}

#[tokio::test]
async fn timed_out_charge_is_looked_up() {
    let harness =
        Harness::start_with(|config| config.toss.billing_timeout = Duration::from_millis(200)).await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::delay(Provider::Toss, "/v1/billing/bsbx", 1_000));
    let booking = harness.approved(guest).await;
    let row = harness.pass_time_until(&booking, "completed").await;
    assert_eq!(harness.only_capture().status, TossStatus::Done);
    assert_eq!(harness.attempts(&row).await, ["billing captured"]);
    assert!(
        harness
            .keys_used("/v1/billing/bsbx")
            .iter()
            .all(|key| *key == format!("charge:{}:1", row.id))
    );
    harness.finish().await;
}

#[tokio::test]
async fn unusable_billing_key_is_disabled_and_the_next_card_charged() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.register(guest, GOOD_CARD).await.unwrap();
    let gone = serde_json::json!({"code": "ALREADY_REMOVED_BILLING_KEY", "message": "m"});
    harness.sandbox.inject(Fault {
        body: gone,
        ..Fault::error(Provider::Toss, "/v1/billing/bsbx", 400)
    });
    let row = harness.until(&harness.approved(guest).await, "completed").await;
    assert_eq!(
        harness.attempts(&row).await,
        ["billing failed ALREADY_REMOVED_BILLING_KEY", "billing captured"]
    );
    assert_eq!(
        harness
            .count("SELECT count(*) AS count FROM payment_methods WHERE disabled_at IS NULL")
            .await,
        1
    );
    harness.finish().await;
}

#[tokio::test]
async fn invalid_api_key_is_retried_until_it_is_fixed() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let refusal = serde_json::json!({"code": "UNAUTHORIZED_KEY", "message": "m"});
    harness.sandbox.inject(
        Fault {
            body: refusal,
            ..Fault::error(Provider::Toss, "/v1/", 401)
        }
        .times(3),
    );
    let booking = harness.approved(guest).await;
    let row = harness.pass_time_until(&booking, "completed").await;
    assert_eq!(
        harness.attempts(&row).await,
        ["billing failed UNAUTHORIZED_KEY", "billing captured"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn overdue_payment_is_not_charged() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "").times(1_000));
    let booking = harness.approved(guest).await;
    wait_until(|| async { harness.request_count("/v1/billing/bsbx") == 1 }).await;
    harness.until(&booking, "unknown").await;
    harness.clock.advance(std::time::Duration::from_hours(3));
    harness.sandbox.clear_faults();
    // The call could arrive within 15 minutes; after that it is considered lost.
    harness.pass_time_until(&booking, "due").await;
    harness.clock.advance(std::time::Duration::from_secs(2));
    wait_until(|| async { harness.row(&booking).await.unwrap().next_check_at.is_none() }).await;
    assert_eq!(
        (
            harness.request_count("/v1/billing/bsbx"),
            harness.captured().len()
        ),
        (1, 0)
    );
    harness.finish().await;
}

#[tokio::test]
async fn invalid_event_does_not_block_others() {
    let harness = Harness::start().await;
    let booking = harness.booking(harness.guest_with(GOOD_CARD).await);
    harness
        .send(BookingApproved {
            booking_id: "no uuid".into(),
            ..Default::default()
        })
        .await;
    harness.send(harness.approval(&booking)).await;
    harness.until(&booking, "completed").await;
    harness.finish().await;
}
