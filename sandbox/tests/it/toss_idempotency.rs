//! `Idempotency-Key`: replay of the first reply.

use std::time::Duration;

use carshare_sandbox::{Fault, GOOD_CARD, Provider};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::client::{Fixture, answer, refusal};

async fn bytes(request: RequestBuilder) -> (u16, Vec<u8>) {
    let response = request.send().await.unwrap();
    (
        response.status().as_u16(),
        response.bytes().await.unwrap().to_vec(),
    )
}

#[tokio::test]
async fn repeated_key_returns_the_same_bytes_even_for_another_body() {
    let it = Fixture::new().await;
    let billing_key = it.billing_key("customer-1", GOOD_CARD).await;
    let path = format!("/v1/billing/{billing_key}");
    let charge = |order_id: &str, key: &str| {
        let body =
            json!({ "customerKey": "customer-1", "amount": 1_000, "orderId": order_id, "orderName": "n" });
        it.toss(Method::POST, &path)
            .header("idempotency-key", key)
            .json(&body)
    };
    let first = bytes(charge("order-0001", "charge:1:1")).await;
    assert_eq!(first.0, 200);
    assert_eq!(bytes(charge("order-0001", "charge:1:1")).await, first);
    assert_eq!(bytes(charge("order-0002", "charge:1:1")).await, first);
    assert_eq!(it.sandbox.payments().len(), 1);

    let echoed = charge("order-0001", "charge:1:1").send().await.unwrap();
    assert_eq!(echoed.headers()["idempotency-key"], "charge:1:1");
    assert!(echoed.headers().contains_key("x-tosspayments-trace-id"));
    assert_eq!(bytes(charge("order-0002", "charge:2:1")).await.0, 200);
    assert_eq!(it.sandbox.payments().len(), 2);
}

#[tokio::test]
async fn repeated_key_replays_errors_until_it_expires() {
    let it = Fixture::new().await;
    let payment_key = it.checkout("order-0001", 45_000).await;
    let path = format!("/v1/payments/{payment_key}/cancel");
    let cancel = || {
        it.toss(Method::POST, &path)
            .header("idempotency-key", "cancel:1")
            .json(&json!({ "cancelReason": "guest" }))
    };
    assert_eq!(refusal(&answer(cancel()).await), (403, "NOT_CANCELABLE_PAYMENT"));
    it.confirm(&payment_key, "order-0001", 45_000).await;
    assert_eq!(refusal(&answer(cancel()).await), (403, "NOT_CANCELABLE_PAYMENT"));
    it.clock.advance(Duration::from_hours(15 * 24));
    assert_eq!(answer(cancel()).await.1["status"], "CANCELED");
}

#[tokio::test]
async fn repeated_key_during_the_first_request_conflicts() {
    let it = Fixture::new().await;
    let payment_key = it.checkout("order-0001", 45_000).await;
    it.sandbox
        .inject(Fault::delay(Provider::Toss, "/v1/payments/confirm", 1_500));
    let body = json!({ "paymentKey": payment_key, "orderId": "order-0001", "amount": 45_000 });
    let confirm = || {
        it.toss(Method::POST, "/v1/payments/confirm")
            .header("idempotency-key", "confirm:1")
            .json(&body)
    };

    let (slow, quick) = tokio::join!(answer(confirm()), async {
        // The second request is sent once the first has arrived.
        while it.sandbox.request_count(Provider::Toss, "confirm") == 0 {
            tokio::task::yield_now().await;
        }
        answer(confirm()).await
    });
    assert_eq!(slow.1["status"], "DONE");
    assert_eq!(refusal(&quick), (409, "IDEMPOTENT_REQUEST_PROCESSING"));
    assert_eq!(quick.1["message"], "이전 멱등 요청이 처리중입니다.");
    assert_eq!(answer(confirm()).await, slow);
}

#[tokio::test]
async fn keys_over_300_characters_are_rejected() {
    let it = Fixture::new().await;
    let with = |length: usize| {
        let request = it.toss(Method::POST, "/v1/payments/confirm");
        request
            .header("idempotency-key", "k".repeat(length))
            .json(&json!({}))
    };
    assert_eq!(
        refusal(&answer(with(301)).await),
        (400, "INVALID_IDEMPOTENCY_KEY")
    );
    assert_eq!(refusal(&answer(with(300)).await), (400, "INVALID_REQUEST"));
}
