//! Webhooks: never believed, always answered, and what they hint at is looked up.

use std::collections::BTreeMap;

use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Value as Json, json};
use tonic::Request;

use crate::bench::*;

impl Bench {
    /// A message of the provider, or of somebody who pretends; it is answered with success.
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
async fn nonsense_and_unknown_payments_are_answered_and_forgotten() {
    let bench = Bench::start().await;
    for body in [
        json!({}),
        json!({"eventType": "BILLING_DELETED", "data": {"billingKey": "b"}}),
        json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "pay_unknown", "paymentKey": "pk", "status": "DONE"}}),
        json!({"orderId": "'; DROP TABLE payments; --", "secret": "s", "status": "DONE"}),
        json!({"data": [[[]]], "eventType": {"x": null}}),
        json!({"eventType": "payout.changed", "entityBody": {"id": "FPA_1"}}),
    ] {
        bench.webhook(&body, None).await;
    }
    bench
        .client
        .clone()
        .handle_webhook(HandleWebhookRequest { payload: None })
        .await
        .unwrap();
    assert_eq!((bench.deliveries().await, bench.asked("")), (0, 0));
    bench.finish().await;
}

#[tokio::test]
async fn a_forged_success_is_looked_up_and_comes_to_nothing() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let booking = bench.approved(guest).await;
    let row = bench.until(&booking, "requested").await;
    let forged = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data":
        {"orderId": row.order_id, "paymentKey": "pk", "status": "DONE", "totalAmount": PRICE, "balanceAmount": PRICE}});
    bench.webhook(&forged, None).await;
    soon(|| async { bench.asked("/v1/payments/orders") == 1 }).await;
    soon(|| async { bench.row(&booking).await.unwrap().next_check_at.is_none() }).await;
    assert_eq!(bench.row(&booking).await.unwrap().state, "requested");
    assert_eq!(bench.balances().await, Vec::<String>::new());
    bench.finish().await;
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_looked_up_once() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.person("guest")).await;
    let row = bench.until(&booking, "requested").await;
    // Flat, as for virtual accounts.
    let flat = json!({"createdAt": "2026-11-22T21:00:00.000000", "orderId": row.order_id, "status": "DONE", "secret": "s"});
    for _ in 0..3 {
        bench.webhook(&flat, None).await;
        soon(|| async { bench.row(&booking).await.unwrap().next_check_at.is_none() }).await;
    }
    assert_eq!(
        (bench.deliveries().await, bench.asked("/v1/payments/orders")),
        (1, 1)
    );
    for id in ["whtrans_1", "whtrans_1", "whtrans_2"] {
        bench.webhook(&flat, Some(id)).await;
        soon(|| async { bench.row(&booking).await.unwrap().next_check_at.is_none() }).await;
    }
    assert_eq!(
        (bench.deliveries().await, bench.asked("/v1/payments/orders")),
        (3, 3)
    );
    bench.finish().await;
}

/// The reply to the confirmation was lost. The webhook says so earlier than the worker would have asked.
#[tokio::test]
async fn a_webhook_resolves_an_unknown_outcome_at_once() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let booking = bench.approved(guest).await;
    let row = bench.until(&booking, "requested").await;
    let payment_key = bench.pay_in_window(&row.order_id, PRICE, GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/confirm"));
    let (booking_id, order_id) = (booking.id.clone(), row.order_id.clone());
    let request = ProcessPaymentRequest {
        booking_id,
        payment_key,
        order_id,
        amount: PRICE,
    };
    refused(
        bench.process(guest, request).await,
        ErrorReason::ProviderUnavailable,
    );
    let told = bench.sandbox.webhooks().pop().unwrap();
    assert_eq!(told.event_type, "PAYMENT_STATUS_CHANGED");
    bench.webhook(&told.body, Some(&told.transmission_id)).await;
    bench.until(&booking, "completed").await;
    bench.finish().await;
}

#[tokio::test]
async fn money_given_back_at_the_provider_is_booked() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    bench.cancel_at_toss(&bench.only_capture(), 5_000).await;
    let told = bench.sandbox.webhooks().pop().unwrap();
    bench.webhook(&told.body, Some(&told.transmission_id)).await;
    let row = bench.until(&booking, "refunded").await;
    assert_eq!((row.refunded_krw, row.fee_krw), (5_000, 6_000));
    assert_eq!(
        bench.balances().await,
        [
            "host_payable -34000",
            "platform_fee -6000",
            "provider_clearing 40000"
        ]
    );
    assert_eq!(
        bench.told(&booking).await,
        ["payment.completed", "payment.refunded"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_webhook_waits_while_the_provider_cannot_be_asked() {
    let bench = Bench::start().await;
    let booking = bench.approved(bench.guest_with(GOOD_CARD).await).await;
    bench.until(&booking, "completed").await;
    bench.cancel_at_toss(&bench.only_capture(), 5_000).await;
    bench
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/payments").times(3));
    let told = bench.sandbox.webhooks().pop().unwrap();
    bench.webhook(&told.body, None).await;
    bench.pass_time_until(&booking, "refunded").await;
    bench.finish().await;
}
