//! Client of Toss Payments: JSON in [`messages`], classification of error codes in [`classify`].

mod classify;
mod messages;

use std::time::Duration;

use async_trait::async_trait;
use carshare_chassis::Environment;
use carshare_chassis::config::Secret;
use carshare_outbound::{HttpClient, OutboundError, Reply, RequestBuilder, UnreadableBody, segment};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BillingKey, Cancel, Charge, Confirm, IssueBillingKey, Lookup, Provider};
use crate::config;
use crate::domain::provider_report::{PaymentSnapshot, ProviderError, ProviderResult};

/// Client of the Toss Payments API.
pub struct TossClient {
    http: HttpClient,
    secret_key: Secret,
    billing_timeout: Duration,
}

impl TossClient {
    /// Creates a client with its own connection pool and circuit breaker.
    pub fn new(config: &config::Toss, environment: Environment) -> anyhow::Result<Self> {
        Ok(Self {
            http: HttpClient::new("toss", config.http.clone(), environment)?,
            secret_key: config.secret_key.clone(),
            billing_timeout: config.billing_timeout,
        })
    }

    fn post(&self, operation: &'static str, path: &str, key: &str, body: &impl Serialize) -> RequestBuilder {
        let request = self.http.post(path).operation(operation);
        request.idempotency_key(key).json(body)
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ProviderError> {
        let reply = self.succeed(request).await?;
        reply.json().map_err(|error| unreadable(&error))
    }

    async fn succeed(&self, request: RequestBuilder) -> Result<Reply, ProviderError> {
        match request.basic(self.secret_key.expose(), "").send().await {
            Ok(reply) if reply.is_success() => Ok(reply),
            Ok(reply) => Err(error_of(&reply)),
            Err(OutboundError::Status(reply)) => Err(error_of(&reply)),
            Err(error) => Err(classify::unanswered(code_of(&error))),
        }
    }
}

#[async_trait]
impl Provider for TossClient {
    async fn issue_billing_key(&self, request: IssueBillingKey) -> Result<BillingKey, ProviderError> {
        let body = messages::Issue {
            auth_key: request.auth_key.expose(),
            customer_key: &request.customer_key,
        };
        let path = "/v1/billing/authorizations/issue";
        let post = self.post("issue", path, &request.idempotency_key, &body);
        self.send(post).await.map(messages::Billing::into_key)
    }

    async fn delete_billing_key(&self, key: &Secret) -> Result<(), ProviderError> {
        let path = format!("/v1/billing/{}", segment(key.expose()));
        let delete = self.http.delete(&path).operation("delete_billing_key");
        self.succeed(delete).await.map(drop)
    }

    async fn charge(&self, request: Charge) -> ProviderResult {
        let body = messages::Charge {
            amount: request.amount_krw,
            customer_key: &request.customer_key,
            order_id: &request.order_id,
            order_name: &request.order_name,
        };
        let path = format!("/v1/billing/{}", segment(request.billing_key.expose()));
        let post = self.post("charge", &path, &request.idempotency_key, &body);
        self.send(post.timeout(self.billing_timeout)).await.map(snapshot)
    }

    async fn confirm(&self, request: Confirm) -> ProviderResult {
        let body = messages::Confirm {
            payment_key: &request.payment_key,
            order_id: &request.order_id,
            amount: request.amount_krw,
        };
        let path = "/v1/payments/confirm";
        let post = self.post("confirm", path, &request.idempotency_key, &body);
        self.send(post).await.map(snapshot)
    }

    async fn find(&self, lookup: Lookup) -> ProviderResult {
        let path = match lookup {
            Lookup::Order(order_id) => format!("/v1/payments/orders/{}", segment(&order_id)),
            Lookup::Key(payment_key) => format!("/v1/payments/{}", segment(&payment_key)),
        };
        self.send(self.http.get(&path).operation("find"))
            .await
            .map(snapshot)
    }

    async fn cancel(&self, request: Cancel) -> ProviderResult {
        let body = messages::Cancel {
            cancel_reason: &request.reason,
            cancel_amount: request.amount_krw,
            refundable_amount: request.balance_krw,
        };
        let path = format!("/v1/payments/{}/cancel", segment(&request.payment_key));
        let post = self.post("cancel", &path, &request.idempotency_key, &body);
        self.send(post).await.map(snapshot)
    }
}

fn snapshot(payment: messages::Payment) -> PaymentSnapshot {
    payment.into_snapshot()
}

/// Parses an error response.
fn error_of(reply: &Reply) -> ProviderError {
    let code = reply
        .json::<messages::ErrorBody>()
        .ok()
        .and_then(messages::ErrorBody::into_code);
    let error = classify::by_response(reply.status.as_u16(), code.as_deref());
    let toss_trace_id = reply.header("x-tosspayments-trace-id");
    tracing::info!(
        status = reply.status.as_u16(),
        code = error.code,
        toss_trace_id,
        "toss returned an error"
    );
    error
}

/// Classifies a successful response that cannot be parsed: the call took effect and repeats return the same response, so
/// the payment has to be looked up.
fn unreadable(error: &UnreadableBody) -> ProviderError {
    tracing::error!(%error, "response of toss cannot be parsed");
    classify::answered("UNREADABLE")
}

/// Returns the code of a failure of the transport.
fn code_of(error: &OutboundError) -> &'static str {
    match error {
        OutboundError::Open(_) => "BREAKER_OPEN",
        OutboundError::Connect => "NO_CONNECTION",
        OutboundError::Request(_) => "NOT_SENT",
        OutboundError::Timeout => "TIMEOUT",
        _ => "NO_ANSWER",
    }
}
