//! Webhooks: unsigned and in the envelope of payment events. One that is not answered with 200 within 10 s is sent again on
//! Toss's schedule (compressed). They may overtake the reply of their cause, and each other.

use std::sync::Mutex;
use std::time::Duration;

use carshare_chassis::task::{self, Shutdown};
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Config;
use crate::kst;
use crate::state::{App, lock};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Minutes before retry 1, 2, … 7.
const RETRY_MINUTES: [u32; 7] = [1, 4, 16, 64, 256, 1024, 4096];
const KEPT: usize = 10_000;

/// Webhook event for the shop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// `whtrans_…`, the same on every attempt.
    pub transmission_id: String,
    /// Event type, such as `PAYMENT_STATUS_CHANGED`.
    pub event_type: String,
    /// JSON body of the request.
    pub body: Value,
    /// Number of attempts.
    pub attempts: u32,
    /// Whether the shop has replied 200.
    pub delivered: bool,
}

/// Sender and log of webhooks.
pub(crate) struct Webhooks {
    url: Mutex<Option<String>>,
    deliveries: Mutex<Vec<Delivery>>,
    retry_minute: Duration,
    client: reqwest::Client,
    shutdown: Shutdown,
}

impl Webhooks {
    pub(crate) fn new(config: &Config, shutdown: Shutdown) -> anyhow::Result<Self> {
        // Webhooks are sent over plain HTTP. Without this, the client cannot be built on a machine without CA certificates.
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .build()?;
        Ok(Self {
            url: Mutex::new(config.webhook_url.clone()),
            deliveries: Mutex::default(),
            retry_minute: config.webhook_retry_minute,
            client,
            shutdown,
        })
    }

    pub(crate) fn set_url(&self, url: Option<String>) {
        *lock(&self.url) = url;
    }

    /// Returns all webhooks, sent or not, oldest first.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.deliveries).clone()
    }

    fn log(&self, delivery: Delivery) {
        let mut deliveries = lock(&self.deliveries);
        if deliveries.len() == KEPT {
            deliveries.remove(0);
        }
        deliveries.push(delivery);
    }

    fn mark(&self, transmission_id: &str, delivered: bool) {
        let mut deliveries = lock(&self.deliveries);
        if let Some(delivery) = deliveries
            .iter_mut()
            .rev()
            .find(|d| d.transmission_id == transmission_id)
        {
            delivery.attempts += 1;
            delivery.delivered = delivered;
        }
    }
}

/// Builds PAYMENT_STATUS_CHANGED with the current state of the payment.
pub(super) fn payment_changed(app: &App, payment_key: &str) {
    let payment = app
        .ledger()
        .by_key(payment_key)
        .map(|record| json!(record.payment));
    if let Some(payment) = payment {
        emit(app, "PAYMENT_STATUS_CHANGED", payment);
    }
}

/// Sends an event in the background.
pub(super) fn emit(app: &App, event_type: &str, data: Value) {
    let delivery = Delivery {
        transmission_id: format!("whtrans_{}", hex::encode(app.environment.random.bytes::<12>())),
        event_type: event_type.to_owned(),
        body: json!({
            "eventType": event_type,
            "createdAt": kst::without_offset(app.environment.clock.now()),
            "data": data,
        }),
        attempts: 0,
        delivered: false,
    };
    app.webhooks.log(delivery.clone());
    let app = app.clone();
    task::spawn("sandbox.webhook", async move {
        let shutdown = app.webhooks.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = deliver(&app, &delivery) => {}
        }
    });
}

/// Sends until the shop replies 200 or the schedule ends.
async fn deliver(app: &App, delivery: &Delivery) {
    for retried in 0..=RETRY_MINUTES.len() {
        if let Some(minutes) = retried.checked_sub(1).and_then(|index| RETRY_MINUTES.get(index)) {
            app.environment
                .clock
                .sleep(app.webhooks.retry_minute * *minutes)
                .await;
        }
        // Read on each attempt: a URL that is set later still receives the retries.
        let Some(url) = lock(&app.webhooks.url).clone() else {
            continue;
        };
        let delivered = attempt(app, delivery, &url, retried).await;
        app.webhooks.mark(&delivery.transmission_id, delivered);
        if delivered {
            return;
        }
    }
    tracing::warn!(transmission_id = delivery.transmission_id, "webhook given up");
}

async fn attempt(app: &App, delivery: &Delivery, url: &str, retried: usize) -> bool {
    let sent = app
        .webhooks
        .client
        .post(url)
        .header("tosspayments-webhook-transmission-id", &delivery.transmission_id)
        .header(
            "tosspayments-webhook-transmission-time",
            kst::seconds(app.environment.clock.now()).to_rfc3339(),
        )
        .header("tosspayments-webhook-transmission-retried-count", retried)
        .json(&delivery.body)
        .send()
        .await;
    match sent {
        Ok(response) => response.status() == StatusCode::OK,
        Err(error) => {
            tracing::debug!(%error, "webhook not answered");
            false
        }
    }
}
