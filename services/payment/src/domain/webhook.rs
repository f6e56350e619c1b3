//! Messages of the provider, in any of its three envelopes. They are read for the name of a payment and for nothing else.

use serde_json::Value;

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `PAYMENT_STATUS_CHANGED`; `UNNAMED` for the envelope that does not say.
    pub event_type: String,
    /// Our order.
    pub order_id: Option<String>,
    /// The provider's key.
    pub payment_key: Option<String>,
}

/// The longest values the provider gives: whatever is longer is not its own.
const ORDER_ID_MAX: usize = 64;
const PAYMENT_KEY_MAX: usize = 200;
const EVENT_TYPE_MAX: usize = 64;

impl Notice {
    /// Reads `{eventType, data}`, `{eventType, entityBody}` or the flat `{orderId, …}`. `None` when it names no payment.
    pub fn read(payload: &Value) -> Option<Self> {
        let body = ["data", "entityBody"]
            .into_iter()
            .find_map(|name| payload.get(name).filter(|body| body.is_object()));
        let body = body.unwrap_or(payload);
        let order_id = text(body, "orderId", ORDER_ID_MAX);
        let payment_key = text(body, "paymentKey", PAYMENT_KEY_MAX);
        (order_id.is_some() || payment_key.is_some()).then(|| Self {
            event_type: text(payload, "eventType", EVENT_TYPE_MAX).unwrap_or_else(|| "UNNAMED".to_owned()),
            order_id,
            payment_key,
        })
    }
}

fn text(body: &Value, name: &str, longest: usize) -> Option<String> {
    let text = body.get(name)?.as_str()?;
    let fits = (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
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
    fn every_envelope_names_its_payment(
        #[case] payload: Value,
        #[case] event_type: &str,
        #[case] order_id: Option<&str>,
        #[case] payment_key: Option<&str>,
    ) {
        let expected = Notice {
            event_type: event_type.to_owned(),
            order_id: order_id.map(str::to_owned),
            payment_key: payment_key.map(str::to_owned),
        };
        assert_eq!(Notice::read(&payload), Some(expected));
    }

    #[rstest]
    #[case(json!({}))]
    #[case(json!({"eventType": "BILLING_DELETED", "data": {"billingKey": "b"}}))]
    #[case(json!({"data": {"orderId": 7, "paymentKey": null}}))]
    #[case(json!({"data": {"orderId": ""}}))]
    #[case(json!({"data": {"orderId": "with space"}}))]
    #[case(json!({"data": {"orderId": "x".repeat(65)}}))]
    #[case(json!({"data": []}))]
    fn nonsense_names_none(#[case] payload: Value) {
        assert_eq!(Notice::read(&payload), None);
    }
}
