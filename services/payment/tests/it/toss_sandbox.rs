//! The guest's actions in Toss's windows, and queries of the Toss sandbox.

use std::collections::BTreeMap;

use carshare_outbound::HttpClient;
use carshare_payment::provider::{Cancel, Provider as _};
use carshare_sandbox::{Payment, PaymentStatus, Provider};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::Harness;

impl Harness {
    /// Enters a card in the registration window and returns the `authKey` of its redirect.
    pub async fn enter_card(&self, customer_key: &str, card_number: &str) -> String {
        let body = json!({ "customerKey": customer_key, "cardNumber": card_number });
        let answer = post(&self.window, "/sandbox/cards", &body).await;
        answer["authKey"].as_str().unwrap().to_owned()
    }

    /// Pays in the payment window and returns the `paymentKey` of its redirect.
    pub async fn pay_in_window(&self, order_id: &str, amount_krw: i64, card_number: &str) -> String {
        let body = json!({
            "orderId": order_id, "orderName": "카셰어링", "amount": amount_krw, "cardNumber": card_number,
        });
        let answer = post(&self.window, "/sandbox/checkout", &body).await;
        answer["paymentKey"].as_str().unwrap().to_owned()
    }

    /// Cancels (a part of) a payment in Toss's console.
    pub async fn cancel_at_toss(&self, payment: &Payment, amount_krw: i64) {
        let cancel = Cancel {
            payment_key: payment.payment_key.clone(),
            amount_krw,
            balance_krw: payment.balance_amount,
            reason: "고객센터 환불".to_owned(),
            idempotency_key: Uuid::from_u128(amount_krw.unsigned_abs().into()).to_string(),
        };
        self.toss.cancel(cancel).await.unwrap();
    }

    /// Returns the captured payments by order; asserts that each order has at most one.
    pub fn captured(&self) -> BTreeMap<String, Payment> {
        let mut orders = BTreeMap::new();
        for payment in self.sandbox.payments() {
            let taken = [
                PaymentStatus::Done,
                PaymentStatus::Canceled,
                PaymentStatus::PartialCanceled,
            ];
            if taken.contains(&payment.status) {
                let twice = orders.insert(payment.order_id.clone(), payment);
                assert!(twice.is_none(), "captured twice: {twice:?}");
            }
        }
        orders
    }

    /// Returns the only captured payment.
    #[track_caller]
    pub fn only_capture(&self) -> Payment {
        let captured = self.captured();
        assert_eq!(captured.len(), 1, "{captured:?}");
        captured.into_values().next().unwrap()
    }

    /// Counts the requests to paths of Toss that contain this text.
    pub fn request_count(&self, path_contains: &str) -> usize {
        self.sandbox.request_count(Provider::Toss, path_contains)
    }

    /// Returns the idempotency keys of all POSTs to paths that contain this text, in order.
    pub fn keys_used(&self, path_contains: &str) -> Vec<String> {
        let requests = self.sandbox.requests().into_iter();
        requests
            .filter(|r| r.method == "POST" && r.path.contains(path_contains))
            .filter_map(|r| r.idempotency_key)
            .collect()
    }
}

async fn post(client: &HttpClient, path: &str, body: &Value) -> Value {
    let reply = client.post(path).json(body).send().await.unwrap();
    assert!(
        reply.is_success(),
        "{path}: {}",
        String::from_utf8_lossy(&reply.body)
    );
    reply.json().unwrap()
}
