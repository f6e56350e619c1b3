//! Webhooks: answered with success unless they have no body, and used only to look up the payment they name.

use std::collections::BTreeMap;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Value as Json, json};
use tonic::Request;

use crate::harness::*;

impl Harness {
    /// Delivers a webhook and asserts that it succeeds.
    async fn webhook(&self, body: &Json, transmission_id: Option<&str>) {
        let mut call = Request::new(HandleWebhookRequest {
            payload: Some(object(body)),
        });
        if let Some(id) = transmission_id {
            call.metadata_mut()
                .insert("tosspayments-webhook-transmission-id", id.parse().unwrap());
        }
        self.client.clone().handle_webhook(call).await.unwrap();
    }

    async fn deliveries(&self) -> i64 {
        self.count("SELECT count(*) AS count FROM webhook_deliveries")
            .await
    }
}

fn object(json: &Json) -> Struct {
    let fields: BTreeMap<_, _> = json
        .as_object()
        .unwrap()
        .iter()
        .map(|(k, v)| (k.clone(), value(v)))
        .collect();
    Struct { fields }
}

fn value(json: &Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(yes) => Kind::BoolValue(*yes),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Json::String(text) => Kind::StringValue(text.clone()),
        Json::Array(items) => Kind::ListValue(ListValue {
            values: items.iter().map(value).collect(),
        }),
        Json::Object(_) => Kind::StructValue(object(json)),
    };
    Value { kind: Some(kind) }
}

#[tokio::test]
async fn invalid_webhooks_and_unknown_payments_are_ignored() {
    let harness = Harness::start().await;
    for body in [
        json!({"eventType": "BILLING_DELETED", "data": {"billingKey": "b"}}),
        json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "pay_unknown", "paymentKey": "pk", "status": "DONE"}}),
        json!({"orderId": "'; DROP TABLE payments; --", "secret": "s", "status": "DONE"}),
        json!({"data": [[[]]], "eventType": {"x": null}}),
        json!({"eventType": "payout.changed", "entityBody": {"id": "FPA_1"}}),
    ] {
        harness.webhook(&body, None).await;
    }
    for payload in [None, Some(object(&json!({})))] {
        let empty = HandleWebhookRequest { payload };
        let refused = harness.client.clone().handle_webhook(empty).await;
        let error = assert_reason(refused, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, "payload");
    }
    assert_eq!((harness.deliveries().await, harness.request_count("")), (0, 0));
    harness.finish().await;
}

#[tokio::test]
async fn forged_webhook_has_no_effect() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "requested").await;
    let forged = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data":
        {"orderId": row.order_id, "paymentKey": "pk", "status": "DONE", "totalAmount": PRICE, "balanceAmount": PRICE}});
    harness.webhook(&forged, None).await;
    wait_until(|| async { harness.request_count("/v1/payments/orders") == 1 }).await;
    wait_until(|| async { harness.row(&booking).await.unwrap().next_check_at.is_none() }).await;
    assert_eq!(harness.row(&booking).await.unwrap().state, "requested");
    assert_eq!(harness.balances().await, Vec::<String>::new());
    harness.finish().await;
}

#[tokio::test]
async fn repeated_delivery_is_looked_up_once() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.person("guest")).await;
    let row = harness.until(&booking, "requested").await;
    // Flat, as for virtual accounts.
    let flat = json!({"createdAt": "2026-11-22T21:00:00.000000", "orderId": row.order_id, "status": "DONE", "secret": "s"});
    for _ in 0..3 {
        harness.webhook(&flat, None).await;
        wait_until(|| async { harness.row(&booking).await.unwrap().next_check_at.is_none() }).await;
    }
    assert_eq!(
        (
            harness.deliveries().await,
            harness.request_count("/v1/payments/orders")
        ),
        (1, 1)
    );
    for id in ["whtrans_1", "whtrans_1", "whtrans_2"] {
        harness.webhook(&flat, Some(id)).await;
        wait_until(|| async { harness.row(&booking).await.unwrap().next_check_at.is_none() }).await;
    }
    assert_eq!(
        (
            harness.deliveries().await,
            harness.request_count("/v1/payments/orders")
        ),
        (3, 3)
    );
    harness.finish().await;
}

/// The reply to the confirmation was lost; the webhook arrives before the next scheduled check.
#[tokio::test]
async fn webhook_resolves_an_unknown_outcome() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "requested").await;
    let payment_key = harness.pay_in_window(&row.order_id, PRICE, GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/confirm"));
    let (booking_id, order_id) = (booking.id.clone(), row.order_id.clone());
    let request = ProcessPaymentRequest {
        booking_id,
        payment_key,
        order_id,
        amount: PRICE,
    };
    assert_reason(
        harness.process(guest, request).await,
        ErrorReason::ProviderUnavailable,
    );
    let webhook = harness.sandbox.webhooks().pop().unwrap();
    assert_eq!(webhook.event_type, "PAYMENT_STATUS_CHANGED");
    harness
        .webhook(&webhook.body, Some(&webhook.transmission_id))
        .await;
    harness.until(&booking, "completed").await;
    harness.finish().await;
}

#[tokio::test]
async fn partial_refund_at_the_provider_changes_the_amounts_and_not_the_state() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.cancel_at_toss(&harness.only_capture(), 5_000).await;
    let webhook = harness.sandbox.webhooks().pop().unwrap();
    harness
        .webhook(&webhook.body, Some(&webhook.transmission_id))
        .await;
    let row = harness.until_refunded(&booking, 5_000).await;
    assert_eq!((row.state.as_str(), row.fee_krw), ("completed", 6_000));
    let event: PaymentRefunded = harness.event().await;
    assert_eq!(
        (event.refunded_amount, event.refunded_total, event.captured_amount),
        (5_000, 5_000, PRICE)
    );
    let seen = harness.get(booking.guest, &booking).await.unwrap();
    assert_eq!(
        (seen.status(), seen.refunded_amount),
        (PaymentStatus::Completed, 5_000)
    );
    assert_eq!((seen.platform_fee, seen.host_amount), (6_000, 34_000));
    assert_eq!(
        harness.balances().await,
        [
            "host_payable -34000",
            "platform_fee -6000",
            "provider_clearing 40000"
        ]
    );
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn webhook_check_is_repeated_while_the_provider_is_down() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.cancel_at_toss(&harness.only_capture(), 5_000).await;
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/payments").times(3));
    let webhook = harness.sandbox.webhooks().pop().unwrap();
    harness.webhook(&webhook.body, None).await;
    harness.until_refunded(&booking, 5_000).await;
    harness.finish().await;
}
