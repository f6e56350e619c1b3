//! Faults, as clients observe them.

use std::time::Duration;

use carshare_sandbox::{Fault, GOOD_CARD, PaymentStatus, Provider};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Fixture, answer};

fn charge(order_id: &str) -> Value {
    json!({ "customerKey": "customer-1", "amount": 45_000, "orderId": order_id, "orderName": "K5" })
}

#[tokio::test]
async fn lost_reply_keeps_the_effect_and_its_key_returns_the_reply() {
    let it = Fixture::new().await;
    let path = format!("/v1/billing/{}", it.billing_key("customer-1", GOOD_CARD).await);
    it.sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/v1/billing/bsbx"));
    let send = || {
        it.toss(Method::POST, &path)
            .header("idempotency-key", "charge:1")
            .json(&charge("order-0001"))
    };

    let lost = send().send().await.unwrap_err();
    assert!(!lost.is_connect() && !lost.is_timeout(), "{lost:?}");
    assert_eq!(it.sandbox.payments()[0].status, PaymentStatus::Done);
    assert_eq!(answer(send()).await.1["status"], "DONE");
    assert_eq!(it.sandbox.payments().len(), 1);
    assert_eq!(it.sandbox.request_count(Provider::Toss, "/v1/billing/bsbx"), 2);
}

#[tokio::test]
async fn refused_request_has_no_effect() {
    let it = Fixture::new().await;
    let path = format!("/v1/billing/{}", it.billing_key("customer-1", GOOD_CARD).await);
    it.sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing").times(2));
    let send = || it.toss(Method::POST, &path).json(&charge("order-0001")).send();
    assert!(send().await.is_err());
    assert!(send().await.is_err());
    assert_eq!(it.sandbox.payments(), []);
    assert_eq!(send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn delayed_request_takes_effect_after_the_client_disconnects() {
    let it = Fixture::new().await;
    let path = format!("/v1/billing/{}", it.billing_key("customer-1", GOOD_CARD).await);
    it.sandbox
        .inject(Fault::delay(Provider::Toss, "/v1/billing", 1_500));
    let request = it
        .toss(Method::POST, &path)
        .json(&charge("order-0001"))
        .timeout(Duration::from_millis(50));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(it.sandbox.payments(), []);

    let charged = async {
        while it.sandbox.payments().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), charged)
        .await
        .unwrap();
}

#[tokio::test]
async fn faults_are_injected_listed_and_cleared_over_http() {
    let it = Fixture::new().await;
    let faults = |method: Method| it.request(method, "/sandbox/faults");
    let body = json!({
        "provider": "kakao", "kind": "error", "status": 429, "times": 2,
        "headers": { "retry-after": "7" }, "body": { "errorType": "RequestThrottled" },
    });
    let (status, set) = answer(faults(Method::POST).json(&body)).await;
    assert_eq!((status.as_u16(), &set["times"]), (201, &json!(2)));

    let failed = it
        .request(Method::GET, "/kakao/v2/local/search/address.json")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            failed.status().as_u16(),
            failed.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "7")
    );
    assert_eq!(
        failed.text().await.unwrap(),
        r#"{"errorType":"RequestThrottled"}"#
    );
    assert_eq!(answer(faults(Method::GET)).await.1[0]["times"], 1);
    assert_eq!(answer(faults(Method::DELETE)).await.0, 204);
    assert_eq!(answer(faults(Method::GET)).await.1, json!([]));

    for wrong in [
        json!({ "provider": "paypal", "kind": "error" }),
        json!({ "provider": "toss", "kind": "error", "status": 99 }),
        json!({ "provider": "toss", "kind": "error", "times": 0 }),
        json!({ "provider": "toss", "kind": "error", "headers": { "bad name": "x" } }),
    ] {
        assert_eq!(answer(faults(Method::POST).json(&wrong)).await.0, 400, "{wrong}");
    }
}
