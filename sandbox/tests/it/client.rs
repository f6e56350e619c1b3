//! Test harness: a running sandbox with a manual clock, and requests to it.

use std::time::Duration;

use carshare_chassis::{Clock, Environment, ManualClock};
use carshare_sandbox::{Config, GOOD_CARD, Sandbox};
use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub struct Fixture {
    pub sandbox: Sandbox,
    pub clock: ManualClock,
    pub http: Client,
}

/// Start of the clock; 10:15:31 in Korea.
pub fn start() -> DateTime<Utc> {
    "2025-03-04T01:15:31Z".parse().unwrap()
}

impl Fixture {
    pub async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        let (environment, clock) = Environment::manual(start(), 7);
        Self::of(config, environment, clock).await
    }

    /// Starts a sandbox on the machine's clock, which can be advanced, and returns that clock. The manual clock moves nothing.
    pub async fn movable() -> (Self, Clock) {
        let (environment, (_, manual)) = (Environment::movable(), Environment::manual(start(), 7));
        let clock = environment.clock.clone();
        (Self::of(Config::default(), environment, manual).await, clock)
    }

    async fn of(config: Config, environment: Environment, clock: ManualClock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(config, environment, listener).await.unwrap();
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { sandbox, clock, http }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.sandbox.url()))
    }

    /// Returns a request to Toss with the secret key.
    pub fn toss(&self, method: Method, path: &str) -> RequestBuilder {
        let key = Config::default().toss_secret_key;
        self.request(method, &format!("/toss{path}"))
            .basic_auth(key, Some(""))
    }

    pub async fn toss_post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.toss(Method::POST, path).json(&body)).await
    }

    pub async fn toss_get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.toss(Method::GET, path)).await
    }

    /// Creates an authenticated payment and returns its key.
    pub async fn checkout(&self, order_id: &str, amount: i64) -> String {
        self.checkout_with(order_id, amount, GOOD_CARD).await
    }

    pub async fn checkout_with(&self, order_id: &str, amount: i64, card: &str) -> String {
        let body =
            json!({ "orderId": order_id, "amount": amount, "orderName": "K5 3시간", "cardNumber": card });
        let (status, answer) = self.toss_post("/sandbox/checkout", body).await;
        assert_eq!(status, 201, "{answer}");
        answer["paymentKey"].as_str().unwrap().to_owned()
    }

    pub async fn confirm(&self, payment_key: &str, order_id: &str, amount: i64) -> (StatusCode, Value) {
        let body = json!({ "paymentKey": payment_key, "orderId": order_id, "amount": amount });
        self.toss_post("/v1/payments/confirm", body).await
    }

    pub async fn cancel(&self, payment_key: &str, body: Value) -> (StatusCode, Value) {
        self.toss_post(&format!("/v1/payments/{payment_key}/cancel"), body)
            .await
    }

    /// Registers a card and returns its billing key.
    pub async fn billing_key(&self, customer_key: &str, card: &str) -> String {
        let (status, answer) = self.issue(customer_key, card).await;
        assert_eq!(status, 200, "{answer}");
        answer["billingKey"].as_str().unwrap().to_owned()
    }

    pub async fn issue(&self, customer_key: &str, card: &str) -> (StatusCode, Value) {
        let body = json!({ "customerKey": customer_key, "cardNumber": card });
        let (status, answer) = self.toss_post("/sandbox/cards", body).await;
        assert_eq!(status, 201, "{answer}");
        let body = json!({ "customerKey": customer_key, "authKey": answer["authKey"] });
        self.toss_post("/v1/billing/authorizations/issue", body).await
    }
}

pub async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Returns status and `code` of an error of Toss.
pub fn refusal(answer: &(StatusCode, Value)) -> (u16, &str) {
    (
        answer.0.as_u16(),
        answer.1["code"].as_str().unwrap_or("(no code)"),
    )
}
