//! The webhook is public, so its content is not trusted: every message is answered with 200, and a payment that it names is
//! read from the provider.

use carshare_mesh::Options;
use carshare_sandbox::{PaymentStatus, Provider};
use carshare_testkit::eventually_true;
use chrono::{SubsecRound as _, TimeDelta};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Deployment, Response, Rest, Setup, Slot, TIMEOUT};

const WEBHOOK: &str = "/v1/payments/webhook";

/// A digest of all payments, ledger transactions, deliveries and events of the service.
const DIGEST: &str = "SELECT md5(string_agg(row, ';' ORDER BY row)) FROM \
    (SELECT p.id || p.state || p.refunded_krw || p.version AS row FROM payment.payments p \
     UNION ALL SELECT t.id::text FROM payment.ledger_transactions t \
     UNION ALL SELECT d.delivery_id FROM payment.webhook_deliveries d \
     UNION ALL SELECT o.id::text FROM payment.outbox o) known";

#[tokio::test(flavor = "multi_thread")]
async fn invalid_webhooks_change_nothing() {
    let setup = Setup::start().await;
    setup.confirmed().await;
    setup.assert_consistent().await;
    let provider = Rest::of(&setup.mesh);
    let before = setup.sql.texts(DIGEST).await;
    for garbage in [
        json!({ "eventType": "PAYMENT_STATUS_CHANGED" }),
        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": null }),
        json!({ "eventType": "BILLING_DELETED", "data": { "billingKey": "bsbx_unknown" } }),
        json!({ "data": { "orderId": 7, "paymentKey": ["x"] } }),
        json!({ "data": { "orderId": "'; DROP TABLE payments; --" } }),
        json!({ "data": { "orderId": "x".repeat(10_000) } }),
        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": { "orderId": "pay_of_nobody", "status": "DONE" } }),
        json!({ "a": { "b": { "c": { "d": [[[[]]]] } } } }),
    ] {
        provider.post(WEBHOOK, &garbage).await.ok(200);
    }
    // Only JSON objects with content are accepted.
    for nonsense in ["{}", "", "not json", "[1, 2]", "\"text\""] {
        let request = provider
            .request(Method::POST, WEBHOOK)
            .header("content-type", "application/json");
        let response = Response::of(request.body(nonsense)).await;
        assert_eq!(response.status.as_u16(), 400, "{nonsense}: {}", response.body);
    }
    assert_eq!(setup.sql.texts(DIGEST).await, before);
    setup.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_is_recognised_by_its_transmission_id() {
    let setup = Setup::start().await;
    let id = setup.confirmed().await;
    setup.assert_consistent().await;
    let order_id = setup.guest.payment(&id).await["order_id"].clone();
    let known = setup
        .sql
        .count("SELECT count(*) FROM payment.webhook_deliveries")
        .await;
    let provider = Rest::of(&setup.mesh);
    // The same delivery twice, the time of sending differs; then another one with the content of the first.
    for (transmission_id, sent_at, deliveries) in
        [("whtrans_a", 1, 1), ("whtrans_a", 2, 1), ("whtrans_b", 1, 2)]
    {
        let body = json!({ "orderId": order_id, "status": "DONE", "createdAt": format!("2026-11-22T12:00:0{sent_at}") });
        let request = provider
            .request(Method::POST, WEBHOOK)
            .header("tosspayments-webhook-transmission-id", transmission_id);
        Response::of(request.json(&body)).await.ok(200);
        let stored = setup
            .sql
            .count("SELECT count(*) FROM payment.webhook_deliveries")
            .await;
        assert_eq!(stored, known + deliveries, "{transmission_id} {sent_at}");
    }
    setup.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_webhook_is_checked_with_the_provider() {
    let setup = Setup::start().await;
    let id = setup.confirmed().await;
    setup.assert_consistent().await;
    let (sandbox, payment) = (setup.mesh.sandbox(), setup.guest.payment(&id).await);
    let held = sandbox.payments().remove(0);
    let asked = || sandbox.request_count(Provider::Toss, &format!("/v1/payments/{}", held.payment_key));
    let before = asked();
    let forged = json!({
        "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-22T12:00:00.000000",
        "data": {
            "orderId": payment["order_id"], "paymentKey": held.payment_key, "status": "CANCELED",
            "totalAmount": 80_000, "balanceAmount": 0,
        },
    });
    Rest::of(&setup.mesh).post(WEBHOOK, &forged).await.ok(200);
    eventually_true(TIMEOUT, || async { asked() == before + 1 }).await;
    setup.assert_consistent().await;
    let booking = setup.guest.booking(&id).await;
    assert_eq!(
        (&booking["status"], &booking["payment_status"]),
        (&json!("approved"), &json!("paid"))
    );
    assert_eq!(sandbox.payments()[0].status, PaymentStatus::Done);
}

/// Refunds the only payment on the provider's dashboard.
async fn refund_on_the_dashboard(mesh: &impl Deployment, amount_krw: i64) {
    let held = mesh.sandbox().payments().remove(0);
    let secret = carshare_sandbox::Config::default().toss_secret_key;
    let by_hand = Rest::at(mesh.sandbox().url())
        .request(
            Method::POST,
            &format!("/toss/v1/payments/{}/cancel", held.payment_key),
        )
        .basic_auth(secret, Some(""))
        .json(&json!({ "cancelReason": "고객 요청", "cancelAmount": amount_krw }));
    Response::of(by_hand).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_refunds_on_the_dashboard_change_totals_and_no_state() {
    let setup = Setup::fleet(Options::temporary()).await;
    let start = setup.mesh.now().trunc_subsecs(0) + TimeDelta::minutes(20);
    let slot = Slot {
        start,
        end: start + TimeDelta::hours(2),
    };
    let id = setup.guest.request(&setup.car, slot).await;
    setup.host.approve(&id).await.ok(200);
    setup.guest.confirmed(&id).await;
    let assert_state = async |status: &str, refunded_krw: i64| {
        setup.assert_consistent().await;
        let booking = setup.guest.booking(&id).await;
        assert_eq!(
            (&booking["status"], &booking["payment_status"]),
            (&json!(status), &json!("paid"))
        );
        let payment = setup.guest.payment(&id).await;
        assert_eq!(
            (
                &payment["status"],
                &payment["amount"],
                &payment["refunded_amount"]
            ),
            (&json!("completed"), &json!(40_000), &json!(refunded_krw))
        );
        // 15 % of what is left is the platform's.
        let fee_krw = (40_000 - refunded_krw) * 15 / 100;
        assert_eq!(payment["platform_fee"], json!(fee_krw));
    };
    let refund = async |total_krw: i64| {
        refund_on_the_dashboard(&setup.mesh, 1_000).await;
        eventually_true(TIMEOUT, || async {
            setup.guest.payment(&id).await["refunded_amount"] == json!(total_krw)
        })
        .await;
    };

    refund(1_000).await;
    assert_state("approved", 1_000).await;
    assert!(!setup.guest.finds(&setup.car, slot).await, "the car stays booked");
    for verb in ["start", "complete"] {
        let path = format!("/v1/bookings/{id}/{verb}");
        setup.guest.rest.put(&path, &json!({})).await.ok(200);
    }
    refund(2_000).await;
    assert_state("completed", 2_000).await;
}

/// A full cancellation on the provider's dashboard is booked and cancels the booking.
#[tokio::test(flavor = "multi_thread")]
async fn full_refund_on_the_dashboard_is_booked_and_cancels_the_booking() {
    let setup = Setup::start().await;
    let id = setup.confirmed().await;
    refund_on_the_dashboard(&setup.mesh, 80_000).await;

    let cancelled = setup.refunded(&id).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["cancellation"]["reason"], "payment_failed");
    assert_eq!(setup.guest.payment(&id).await["status"], "refunded");
    assert_eq!(retained_krw(&setup).await, json!(["0"]));
    setup.assert_consistent().await;
}

/// The sum of platform fee and host share in the ledger.
async fn retained_krw(setup: &Setup) -> Value {
    let retained_krw = "SELECT (-sum(e.amount_krw))::text FROM payment.ledger_entries e \
                JOIN payment.ledger_accounts a ON a.id = e.account_id WHERE a.code <> 'provider_clearing'";
    json!(setup.sql.texts(retained_krw).await)
}
