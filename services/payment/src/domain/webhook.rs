//! Parses the provider's webhooks, in any of its three envelopes, for the payment they name and nothing else: webhooks are
//! not signed.

use serde_json::Value;

/// A webhook that names a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    /// For example `PAYMENT_STATUS_CHANGED`; `UNNAMED` for the flat envelope, which has no type.
    pub event_type: String,
    pub order_id: Option<String>,
    /// The provider's key.
    pub payment_key: Option<String>,
}

/// Longest values that the provider sends; longer ones are forged.
const MAX_ORDER_ID_LEN: usize = 64;
const MAX_PAYMENT_KEY_LEN: usize = 200;
const MAX_EVENT_TYPE_LEN: usize = 64;

impl WebhookEvent {
    /// Parses `{eventType, data}`, `{eventType, entityBody}` or the flat `{orderId, …}`. `None` when it names no payment.
    pub fn parse(payload: &Value) -> Option<Self> {
        let body = ["data", "entityBody"]
            .into_iter()
            .find_map(|name| payload.get(name).filter(|body| body.is_object()));
        let body = body.unwrap_or(payload);
        let order_id = text(body, "orderId", MAX_ORDER_ID_LEN);
        let payment_key = text(body, "paymentKey", MAX_PAYMENT_KEY_LEN);
        (order_id.is_some() || payment_key.is_some()).then(|| Self {
            event_type: text(payload, "eventType", MAX_EVENT_TYPE_LEN)
                .unwrap_or_else(|| "UNNAMED".to_owned()),
            order_id,
            payment_key,
        })
    }
}

fn text(body: &Value, name: &str, max_len: usize) -> Option<String> {
    let text = body.get(name)?.as_str()?;
    let fits = (1..=max_len).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::data(
        json!({"eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2025-03-04T10:15:31.204118",
               "data": {"paymentKey": "pk", "orderId": "pay_1", "status": "DONE"}}),
        "PAYMENT_STATUS_CHANGED", Some("pay_1"), Some("pk"))]
    #[case::flat(
        json!({"createdAt": "x", "secret": "ps", "status": "DONE", "transactionKey": "t", "orderId": "pay_1"}),
        "UNNAMED", Some("pay_1"), None)]
    #[case::entity(
        json!({"eventType": "payout.changed", "eventId": "e", "entityType": "payout", "entityBody": {"paymentKey": "pk"}}),
        "payout.changed", None, Some("pk"))]
    fn parses_every_envelope(
        #[case] payload: Value,
        #[case] event_type: &str,
        #[case] order_id: Option<&str>,
        #[case] payment_key: Option<&str>,
    ) {
        let expected = WebhookEvent {
            event_type: event_type.to_owned(),
            order_id: order_id.map(str::to_owned),
            payment_key: payment_key.map(str::to_owned),
        };
        assert_eq!(WebhookEvent::parse(&payload), Some(expected));
    }

    #[rstest]
    #[case(json!({}))]
    #[case(json!({"eventType": "BILLING_DELETED", "data": {"billingKey": "b"}}))]
    #[case(json!({"data": {"orderId": 7, "paymentKey": null}}))]
    #[case(json!({"data": {"orderId": ""}}))]
    #[case(json!({"data": {"orderId": "with space"}}))]
    #[case(json!({"data": {"orderId": "x".repeat(65)}}))]
    #[case(json!({"data": []}))]
    fn ignores_payloads_without_a_payment(#[case] payload: Value) {
        assert_eq!(WebhookEvent::parse(&payload), None);
    }
}
