//! Toss Payments over HTTPS. Requests and answers are in [`wire`], the meaning of refusals in [`classify`].

mod classify;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use carshare_chassis::Environment;
use carshare_chassis::config::Secret;
use carshare_outbound::{HttpClient, OutboundError, Reply, RequestBuilder, segment};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BillingKey, Cancel, Charge, Confirm, IssueBillingKey, Lookup, Provider};
use crate::config;
use crate::domain::finding::{Answer, Refusal, Report};

/// The real client.
pub struct TossClient {
    http: HttpClient,
    secret_key: Secret,
    billing_timeout: Duration,
}

impl TossClient {
    /// A client with its own connections and breaker.
    pub fn new(config: &config::Toss, environment: Environment) -> anyhow::Result<Self> {
        Ok(Self {
            http: HttpClient::new("toss", config.http.clone(), environment)?,
            secret_key: config.secret_key.clone(),
            billing_timeout: Duration::from_millis(config.billing_timeout_ms),
        })
    }

    async fn post<T: DeserializeOwned>(&self, call: Call<'_, impl Serialize>) -> Result<T, Refusal> {
        let request = self
            .http
            .post(call.path)
            .operation(call.operation)
            .idempotency_key(call.key)
            .json(&call.body);
        self.send(call.timeout.into_iter().fold(request, RequestBuilder::timeout))
            .await
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Refusal> {
        match request.basic(self.secret_key.expose(), "").send().await {
            Ok(reply) if reply.is_success() => reply.json().map_err(|error| unreadable(&error)),
            Ok(reply) => Err(refused(&reply)),
            Err(OutboundError::Status(reply)) => Err(refused(&reply)),
            Err(error) => Err(classify::unanswered(code_of(&error))),
        }
    }
}

/// A POST to be.
struct Call<'a, B> {
    operation: &'static str,
    path: &'a str,
    key: &'a str,
    body: B,
    /// `None` = as configured.
    timeout: Option<Duration>,
}

#[async_trait]
impl Provider for TossClient {
    async fn issue_billing_key(&self, request: IssueBillingKey) -> Result<BillingKey, Refusal> {
        let body = wire::Issue {
            auth_key: request.auth_key.expose(),
            customer_key: &request.customer_key,
        };
        let path = "/v1/billing/authorizations/issue";
        let call = Call {
            operation: "issue",
            path,
            key: &request.idempotency_key,
            body,
            timeout: None,
        };
        self.post::<wire::Billing>(call)
            .await
            .map(wire::Billing::into_key)
    }

    async fn charge(&self, request: Charge) -> Answer {
        let body = wire::Charge {
            amount: request.amount_krw,
            customer_key: &request.customer_key,
            order_id: &request.order_id,
            order_name: &request.order_name,
        };
        let path = format!("/v1/billing/{}", segment(request.billing_key.expose()));
        let timeout = Some(self.billing_timeout);
        let call = Call {
            operation: "charge",
            path: &path,
            key: &request.idempotency_key,
            body,
            timeout,
        };
        self.post(call).await.map(report)
    }

    async fn confirm(&self, request: Confirm) -> Answer {
        let body = wire::Confirm {
            payment_key: &request.payment_key,
            order_id: &request.order_id,
            amount: request.amount_krw,
        };
        let path = "/v1/payments/confirm";
        let call = Call {
            operation: "confirm",
            path,
            key: &request.idempotency_key,
            body,
            timeout: None,
        };
        self.post(call).await.map(report)
    }

    async fn find(&self, lookup: Lookup) -> Answer {
        let path = match lookup {
            Lookup::Order(order_id) => format!("/v1/payments/orders/{}", segment(&order_id)),
            Lookup::Key(payment_key) => format!("/v1/payments/{}", segment(&payment_key)),
        };
        self.send(self.http.get(&path).operation("find"))
            .await
            .map(report)
    }

    async fn cancel(&self, request: Cancel) -> Answer {
        let body = wire::Cancel {
            cancel_reason: &request.reason,
            cancel_amount: request.amount_krw,
            refundable_amount: request.balance_krw,
        };
        let path = format!("/v1/payments/{}/cancel", segment(&request.payment_key));
        let call = Call {
            operation: "cancel",
            path: &path,
            key: &request.idempotency_key,
            body,
            timeout: None,
        };
        self.post(call).await.map(report)
    }
}

fn report(payment: wire::Payment) -> Report {
    payment.into_report()
}

/// The refusal in an answer.
fn refused(reply: &Reply) -> Refusal {
    let code = reply
        .json::<wire::ErrorBody>()
        .ok()
        .and_then(wire::ErrorBody::into_code);
    let refusal = classify::refusal(reply.status.as_u16(), code.as_deref());
    let toss_trace_id = reply.header("x-tosspayments-trace-id");
    tracing::info!(
        status = reply.status.as_u16(),
        code = refusal.code,
        toss_trace_id,
        "toss refused"
    );
    refusal
}

/// It was done, and we cannot read what: the answer is kept under the key, so only a query helps.
fn unreadable(error: &OutboundError) -> Refusal {
    tracing::error!(%error, "toss answered something unreadable");
    classify::answered("UNREADABLE")
}

/// Our word for what happened on the way.
fn code_of(error: &OutboundError) -> &'static str {
    match error {
        OutboundError::Open(_) => "BREAKER_OPEN",
        OutboundError::Connect => "NO_CONNECTION",
        OutboundError::Request(_) => "NOT_SENT",
        OutboundError::Timeout => "TIMEOUT",
        _ => "NO_ANSWER",
    }
}
