//! Billing keys: registration, issue, charge, deletion and restart.

use carshare_chassis::Environment;
use carshare_sandbox::{Config, GOOD_CARD, PaymentStatus, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::{Fixture, answer, refusal};

fn charge(customer_key: &str, order_id: &str) -> Value {
    json!({ "customerKey": customer_key, "amount": 45_000, "orderId": order_id, "orderName": "K5 3시간" })
}

#[tokio::test]
async fn billing_key_of_a_registered_card_is_charged() {
    let it = Fixture::new().await;
    let (_, billing) = it.issue("customer-1", GOOD_CARD).await;
    assert_eq!(billing["card"]["number"], "43301234****123*");
    assert_eq!(billing["authenticatedAt"], "2025-03-04T10:15:31+09:00");
    let key = billing["billingKey"].as_str().unwrap();

    let (status, payment) = it
        .toss_post(&format!("/v1/billing/{key}"), charge("customer-1", "order-0001"))
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        (&payment["type"], &payment["status"]),
        (&json!("BILLING"), &json!("DONE"))
    );
    assert_eq!(
        (&payment["totalAmount"], &payment["balanceAmount"]),
        (&json!(45_000), &json!(45_000))
    );
    let again = it
        .toss_post(&format!("/v1/billing/{key}"), charge("customer-1", "order-0001"))
        .await;
    assert_eq!(refusal(&again), (400, "DUPLICATED_ORDER_ID"));
    assert_eq!(it.sandbox.payments().len(), 1);
    // No webhook reports a successful billing charge.
    assert_eq!(it.sandbox.webhooks(), []);
}

#[tokio::test]
async fn auth_key_is_valid_once_and_for_its_customer_only() {
    let it = Fixture::new().await;
    let (_, card) = it
        .toss_post(
            "/sandbox/cards",
            json!({ "customerKey": "customer-1", "cardNumber": GOOD_CARD }),
        )
        .await;
    let issue = |customer: &str| json!({ "customerKey": customer, "authKey": card["authKey"] });
    let path = "/v1/billing/authorizations/issue";

    assert_eq!(
        refusal(&it.toss_post(path, issue("customer-2")).await),
        (400, "NOT_MATCHES_CUSTOMER_KEY")
    );
    assert_eq!(it.toss_post(path, issue("customer-1")).await.0, 200);
    assert_eq!(
        refusal(&it.toss_post(path, issue("customer-1")).await),
        (400, "INVALID_BILL_KEY_REQUEST")
    );
    assert_eq!(
        refusal(&it.toss_post(path, issue("문자")).await),
        (400, "INVALID_CUSTOMER_KEY")
    );
    assert_eq!(
        refusal(&it.toss_post(path, issue(&"x".repeat(301))).await),
        (500, "FAILED_DB_PROCESSING")
    );
    let no_card = json!({ "customerKey": "customer-1", "cardNumber": "1234" });
    assert_eq!(
        refusal(&it.toss_post("/sandbox/cards", no_card).await),
        (400, "INVALID_CARD_NUMBER")
    );
}

#[tokio::test]
async fn magic_cards_behave_by_their_number() {
    let it = Fixture::new().await;
    let charged = async |card: &str, order_id: &str| {
        let key = it.billing_key("customer-1", card).await;
        it.toss_post(&format!("/v1/billing/{key}"), charge("customer-1", order_id))
            .await
    };
    assert_eq!(
        refusal(&charged("4330000000000101", "order-0101").await),
        (403, "REJECT_CARD_PAYMENT")
    );
    assert_eq!(
        refusal(&charged("4330000000000102", "order-0102").await),
        (400, "INVALID_STOPPED_CARD")
    );
    assert_eq!(
        refusal(&charged("4330000000000201", "order-0201").await),
        (400, "PROVIDER_ERROR")
    );
    assert_eq!(charged("4330000000000201", "order-0201").await.0, 200);
    assert_eq!(
        refusal(&it.issue("customer-1", "4330000000000401").await),
        (400, "INVALID_REJECT_CARD")
    );

    let failed = charged("4330000000000301", "order-0301").await;
    assert_eq!(refusal(&failed), (500, "FAILED_INTERNAL_SYSTEM_PROCESSING"));
    assert_eq!(
        it.toss_get("/v1/payments/orders/order-0301").await.1["status"],
        "DONE"
    );
    assert_eq!(
        it.toss_get("/v1/payments/orders/order-0101").await.1["status"],
        "ABORTED"
    );
}

#[tokio::test]
async fn deleted_billing_key_is_rejected() {
    let it = Fixture::new().await;
    let path = format!("/v1/billing/{}", it.billing_key("customer-1", GOOD_CARD).await);
    let stranger = it.toss_post(&path, charge("customer-2", "order-0001")).await;
    assert_eq!(refusal(&stranger), (400, "NOT_MATCHES_CUSTOMER_KEY"));

    assert_eq!(
        answer(it.toss(Method::DELETE, &path)).await,
        (reqwest::StatusCode::OK, json!(""))
    );
    assert_eq!(
        refusal(&answer(it.toss(Method::DELETE, &path)).await),
        (400, "ALREADY_REMOVED_BILLING_KEY")
    );
    let removed = it.toss_post(&path, charge("customer-1", "order-0001")).await;
    assert_eq!(refusal(&removed), (400, "ALREADY_REMOVED_BILLING_KEY"));
    let unknown = it
        .toss_post("/v1/billing/bsbx_unknown", charge("customer-1", "order-0001"))
        .await;
    assert_eq!(refusal(&unknown), (404, "NOT_FOUND_BILLING"));
    assert_eq!(it.sandbox.webhooks()[0].event_type, "BILLING_DELETED");
}

#[tokio::test]
async fn state_file_keeps_billing_keys_and_payments_across_restarts() {
    let path = std::env::temp_dir().join(format!("carshare-sandbox-{}.json", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let config = Config {
        state_path: Some(path.clone()),
        ..Config::default()
    };
    let first = Fixture::with(config.clone()).await;
    let key = first.billing_key("customer-1", GOOD_CARD).await;
    first
        .toss_post(&format!("/v1/billing/{key}"), charge("customer-1", "order-0001"))
        .await;
    let before = first.sandbox.payments();
    first.sandbox.shutdown().await;

    let second = Fixture::with(config.clone()).await;
    assert_eq!(second.sandbox.payments(), before);
    assert_eq!(before[0].status, PaymentStatus::Done);
    let (status, _) = second
        .toss_post(&format!("/v1/billing/{key}"), charge("customer-1", "order-0002"))
        .await;
    assert_eq!(status, 200);
    second.sandbox.shutdown().await;

    std::fs::write(&path, "not json").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert!(
        Sandbox::start(config, Environment::system(), listener)
            .await
            .is_err()
    );
    std::fs::remove_file(&path).unwrap();
}
