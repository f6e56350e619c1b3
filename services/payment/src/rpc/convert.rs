//! Conversions between messages and domain types.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::payment::v1 as pb;
use prost_types::value::Kind;
use serde_json::Value;
use strum::VariantArray as _;

use crate::domain::payment::{Payment, State};
use crate::store::payment_methods::PaymentMethod;

pub(super) fn payment(payment: &Payment) -> pb::Payment {
    pb::Payment {
        id: payment.id.to_string(),
        booking_id: payment.booking_id.to_string(),
        order_id: payment.order_id.clone(),
        amount: payment.amount_krw,
        platform_fee: payment.fee_krw,
        host_amount: payment.amount_krw - payment.refunded_krw - payment.fee_krw,
        refunded_amount: payment.refunded_krw,
        payment_method: payment.method.clone().unwrap_or_default(),
        status: status(payment.state).into(),
        failure_code: payment.failure_code.clone(),
        paid_at: payment.paid_at.map(timestamp),
        created_at: Some(timestamp(payment.created_at)),
        charge_id: payment.charge_id.map(|id| id.to_string()),
        settled_at: payment.settled_at.map(timestamp),
    }
}

fn status(state: State) -> pb::PaymentStatus {
    match state {
        State::Due | State::Requested | State::Unknown => pb::PaymentStatus::Pending,
        State::Completed => pb::PaymentStatus::Completed,
        State::Failed => pb::PaymentStatus::Failed,
        State::Refunded => pb::PaymentStatus::Refunded,
    }
}

/// Returns the states with a status; none when it is not specified.
pub(super) fn states(of: pb::PaymentStatus) -> Vec<State> {
    State::VARIANTS
        .iter()
        .copied()
        .filter(|state| status(*state) == of)
        .collect()
}

pub(super) fn method(method: &PaymentMethod, is_default: bool) -> pb::PaymentMethod {
    pb::PaymentMethod {
        id: method.id.to_string(),
        method: method.method.clone(),
        card_number: method.card_number.clone(),
        card_issuer_code: method.card_issuer_code.clone(),
        is_default,
        created_at: Some(timestamp(method.created_at)),
    }
}

/// Converts a protobuf struct to JSON.
pub(super) fn json(object: prost_types::Struct) -> Value {
    Value::Object(
        object
            .fields
            .into_iter()
            .map(|(name, value)| (name, json_value(value)))
            .collect(),
    )
}

fn json_value(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::NumberValue(number)) => number.into(),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::BoolValue(yes)) => yes.into(),
        Some(Kind::StructValue(object)) => json(object),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(json_value).collect()),
    }
}
