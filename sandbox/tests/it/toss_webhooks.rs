//! Webhooks and their retries.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use carshare_chassis::task;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::client::Fixture;

type Hook = (HeaderMap, Value);

#[derive(Clone)]
struct Shop {
    /// Statuses of the next replies, last one first; 200 if empty.
    answers: Arc<Mutex<Vec<StatusCode>>>,
    received: UnboundedSender<Hook>,
}

async fn receive(State(shop): State<Shop>, headers: HeaderMap, body: String) -> StatusCode {
    shop.received
        .send((headers, serde_json::from_str(&body).unwrap()))
        .unwrap();
    shop.answers.lock().unwrap().pop().unwrap_or(StatusCode::OK)
}

/// Starts a server for webhooks; returns its URL and the received requests.
async fn shop(answers: Vec<StatusCode>) -> (String, UnboundedReceiver<Hook>) {
    let (received, receiver) = unbounded_channel();
    let shop = Shop {
        answers: Arc::new(Mutex::new(answers)),
        received,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/payments/webhook", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/v1/payments/webhook", post(receive))
        .with_state(shop);
    task::spawn("shop", async move { axum::serve(listener, router).await });
    (url, receiver)
}

async fn next(receiver: &mut UnboundedReceiver<Hook>) -> Hook {
    tokio::time::timeout(Duration::from_secs(10), receiver.recv())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn webhook_of_a_payment_change_is_unsigned_and_complete() {
    let it = Fixture::new().await;
    let (url, mut hooks) = shop(vec![]).await;
    it.sandbox.set_webhook_url(Some(url));
    let key = it.checkout("order-0001", 45_000).await;
    let (_, payment) = it.confirm(&key, "order-0001", 45_000).await;

    let (headers, body) = next(&mut hooks).await;
    assert_eq!(body["eventType"], "PAYMENT_STATUS_CHANGED");
    assert_eq!(body["createdAt"], "2025-03-04T10:15:31.000000");
    assert_eq!(body["data"], payment);
    assert!(
        headers["tosspayments-webhook-transmission-id"]
            .to_str()
            .unwrap()
            .starts_with("whtrans_")
    );
    assert_eq!(
        headers["tosspayments-webhook-transmission-time"],
        "2025-03-04T10:15:31+09:00"
    );
    assert_eq!(headers["tosspayments-webhook-transmission-retried-count"], "0");
    assert!(!headers.contains_key("tosspayments-webhook-signature"));

    it.cancel(&key, json!({ "cancelReason": "guest" })).await;
    assert_eq!(next(&mut hooks).await.1["data"]["status"], "CANCELED");
}

#[tokio::test]
async fn webhook_without_a_200_reply_is_retried_on_schedule() {
    let it = Fixture::new().await;
    // The first two attempts fail; 204 is not accepted as 200.
    let (url, mut hooks) = shop(vec![StatusCode::NO_CONTENT, StatusCode::INTERNAL_SERVER_ERROR]).await;
    it.sandbox.set_webhook_url(Some(url));
    let key = it.checkout_with("order-0001", 45_000, "4330000000000101").await;
    it.confirm(&key, "order-0001", 45_000).await;

    let (first, body) = next(&mut hooks).await;
    assert_eq!(
        (&body["data"]["status"], &body["data"]["failure"]["code"]),
        (&json!("ABORTED"), &json!("REJECT_CARD_PAYMENT"))
    );
    // A minute of the schedule is a second of the clock: retries follow after 1 and 4.
    for (count, seconds) in [("1", 1), ("2", 4)] {
        let again = loop {
            it.clock.advance(Duration::from_secs(seconds));
            if let Ok(hook) = tokio::time::timeout(Duration::from_millis(50), hooks.recv()).await {
                break hook.unwrap();
            }
        };
        assert_eq!(again.1, body);
        assert_eq!(
            again.0["tosspayments-webhook-transmission-id"],
            first["tosspayments-webhook-transmission-id"]
        );
        assert_eq!(again.0["tosspayments-webhook-transmission-retried-count"], count);
    }
    let delivered = async {
        while !it.sandbox.webhooks()[0].delivered {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), delivered)
        .await
        .unwrap();
    assert_eq!(it.sandbox.webhooks()[0].attempts, 3);
}
