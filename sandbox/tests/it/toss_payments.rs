//! Payments through the window: confirm, query, cancel and authorization.

use std::time::Duration;

use carshare_sandbox::PaymentStatus;
use reqwest::Method;
use serde_json::json;

use crate::client::{Fixture, answer, refusal};

#[tokio::test]
async fn confirmed_payment_is_done_and_found_by_key_and_order() {
    let it = Fixture::new().await;
    let key = it.checkout("order-0001", 45_000).await;
    let (status, payment) = it.confirm(&key, "order-0001", 45_000).await;

    assert_eq!(status, 200);
    assert_eq!(payment["status"], "DONE");
    assert_eq!(payment["type"], "NORMAL");
    assert_eq!(payment["method"], "카드");
    assert_eq!(
        (&payment["suppliedAmount"], &payment["vat"]),
        (&json!(40_909), &json!(4_091))
    );
    assert_eq!(payment["approvedAt"], "2025-03-04T10:15:31+09:00");
    assert_eq!(payment["mId"], "tcarsharesbx");
    assert_eq!(payment["virtualAccount"], json!(null));
    assert_eq!(payment["card"]["acquireStatus"], "READY");
    assert!(payment["secret"].as_str().unwrap().starts_with("ps_"));
    assert!(payment.get("sandboxExtra").is_some());
    assert_eq!(it.toss_get(&format!("/v1/payments/{key}")).await.1, payment);
    assert_eq!(it.toss_get("/v1/payments/orders/order-0001").await.1, payment);
}

#[tokio::test]
async fn requests_without_the_secret_key_and_its_colon_are_rejected() {
    let it = Fixture::new().await;
    let path = "/toss/v1/payments/orders/order-0001";
    let get = |authorization: &str| {
        it.request(Method::GET, path)
            .header("authorization", authorization)
    };

    assert_eq!(
        refusal(&answer(it.request(Method::GET, path)).await),
        (401, "UNAUTHORIZED_KEY")
    );
    assert_eq!(
        refusal(&answer(get("Bearer test_sk_carshare_sandbox")).await),
        (401, "UNAUTHORIZED_KEY")
    );
    // base64("test_sk_carshare_sandbox"), without the colon
    let without_colon = answer(get("Basic dGVzdF9za19jYXJzaGFyZV9zYW5kYm94")).await;
    assert_eq!(refusal(&without_colon), (403, "INCORRECT_BASIC_AUTH_FORMAT"));
    assert_eq!(
        without_colon.1["message"],
        "잘못된 요청입니다. ':' 를 포함해 인코딩해주세요."
    );
    assert_eq!(
        refusal(&it.toss_get("/v1/payments/orders/order-0001").await),
        (404, "NOT_FOUND_PAYMENT")
    );
}

#[tokio::test]
async fn confirm_with_another_order_or_amount_is_rejected() {
    let it = Fixture::new().await;
    let key = it.checkout("order-0001", 45_000).await;

    assert_eq!(
        refusal(&it.confirm("tsbx-unknown", "order-0001", 45_000).await),
        (404, "NOT_FOUND_PAYMENT")
    );
    assert_eq!(
        refusal(&it.confirm(&key, "order-0002", 45_000).await),
        (403, "FORBIDDEN_REQUEST")
    );
    assert_eq!(
        refusal(&it.confirm(&key, "order-0001", 44_999).await),
        (400, "INVALID_REQUEST")
    );
    let text = json!({ "paymentKey": key, "orderId": "order-0001", "amount": "45000" });
    assert_eq!(
        refusal(&it.toss_post("/v1/payments/confirm", text).await),
        (400, "INVALID_REQUEST")
    );
    assert_eq!(it.confirm(&key, "order-0001", 45_000).await.0, 200);
    assert_eq!(
        refusal(&it.confirm(&key, "order-0001", 45_000).await),
        (400, "ALREADY_PROCESSED_PAYMENT")
    );
}

#[tokio::test]
async fn confirm_ten_minutes_after_the_authentication_is_rejected() {
    let it = Fixture::new().await;
    let key = it.checkout("order-0001", 45_000).await;
    it.clock.advance(Duration::from_mins(10));

    assert_eq!(
        refusal(&it.confirm(&key, "order-0001", 45_000).await),
        (404, "NOT_FOUND_PAYMENT_SESSION")
    );
    let (_, payment) = it.toss_get(&format!("/v1/payments/{key}")).await;
    assert_eq!(
        (&payment["status"], &payment["failure"]["code"]),
        (&json!("EXPIRED"), &json!("EXPIRED_PAYMENT"))
    );
}

#[tokio::test]
async fn declined_card_aborts_the_payment_and_its_order_can_be_retried() {
    let it = Fixture::new().await;
    let key = it.checkout_with("order-0001", 45_000, "4330000000000101").await;
    let declined = it.confirm(&key, "order-0001", 45_000).await;

    assert_eq!(refusal(&declined), (403, "REJECT_CARD_PAYMENT"));
    assert_eq!(
        declined.1["message"],
        "한도초과 혹은 잔액부족으로 결제에 실패했습니다."
    );
    assert_eq!(it.sandbox.payments()[0].status, PaymentStatus::Aborted);
    let again = it.checkout("order-0001", 45_000).await;
    assert_eq!(it.confirm(&again, "order-0001", 45_000).await.1["status"], "DONE");
    let (_, latest) = it.toss_get("/v1/payments/orders/order-0001").await;
    assert_eq!(latest["paymentKey"], json!(again));
    let used = json!({ "orderId": "order-0001", "amount": 45_000, "orderName": "n" });
    assert_eq!(
        refusal(&it.toss_post("/sandbox/checkout", used).await),
        (400, "DUPLICATED_ORDER_ID")
    );
}

#[tokio::test]
async fn cancels_follow_the_observed_rules() {
    let it = Fixture::new().await;
    let key = it.checkout("order-0001", 45_000).await;
    let all = json!({ "cancelReason": "guest" });
    assert_eq!(
        refusal(&it.cancel(&key, all.clone()).await),
        (403, "NOT_CANCELABLE_PAYMENT")
    );
    it.confirm(&key, "order-0001", 45_000).await;

    assert_eq!(
        refusal(&it.cancel(&key, json!({})).await),
        (400, "INVALID_REQUEST")
    );
    let too_much = json!({ "cancelReason": "guest", "cancelAmount": 45_001 });
    assert_eq!(
        refusal(&it.cancel(&key, too_much).await),
        (403, "NOT_CANCELABLE_AMOUNT")
    );
    let wrong_belief = json!({ "cancelReason": "guest", "refundableAmount": 1 });
    assert_eq!(
        refusal(&it.cancel(&key, wrong_belief).await),
        (400, "NOT_MATCHES_REFUNDABLE_AMOUNT")
    );

    let half = json!({ "cancelReason": "guest", "cancelAmount": 22_500, "refundableAmount": 45_000 });
    let (_, payment) = it.cancel(&key, half).await;
    assert_eq!(
        (&payment["status"], &payment["balanceAmount"]),
        (&json!("PARTIAL_CANCELED"), &json!(22_500))
    );
    let (_, payment) = it.cancel(&key, all.clone()).await;
    assert_eq!(
        (&payment["status"], &payment["balanceAmount"]),
        (&json!("PARTIAL_CANCELED"), &json!(0))
    );
    assert_eq!(payment["cancels"].as_array().unwrap().len(), 2);
    assert_eq!(
        payment["cancels"][1]["transactionKey"],
        payment["lastTransactionKey"]
    );
    assert_eq!(
        refusal(&it.cancel(&key, all).await),
        (403, "NOT_CANCELABLE_AMOUNT")
    );
}

#[tokio::test]
async fn full_cancel_is_canceled() {
    let it = Fixture::new().await;
    let key = it.checkout("order-0001", 45_000).await;
    it.confirm(&key, "order-0001", 45_000).await;
    let all = json!({ "cancelReason": "host" });

    let (_, payment) = it.cancel(&key, all.clone()).await;
    assert_eq!(
        (&payment["status"], &payment["balanceAmount"]),
        (&json!("CANCELED"), &json!(0))
    );
    assert_eq!(
        refusal(&it.cancel(&key, all).await),
        (400, "ALREADY_CANCELED_PAYMENT")
    );
}

#[tokio::test]
async fn test_code_forces_an_error_in_the_requested_language() {
    let it = Fixture::new().await;
    let forced = |code: &str, language: &str| {
        it.toss(Method::GET, "/v1/payments/orders/order-0001")
            .header("TossPayments-Test-Code", code)
            .header("accept-language", language)
    };
    let english = answer(forced("REJECT_CARD_COMPANY", "en-US")).await;
    assert_eq!(refusal(&english), (403, "REJECT_CARD_COMPANY"));
    assert_eq!(english.1["message"], "The card company refused the payment.");
    assert_eq!(
        refusal(&answer(forced("NO_SUCH_CODE", "ko")).await),
        (400, "INVALID_TEST_CODE")
    );
}
