//! Publishes the service's events, in the transaction of the change.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use crate::domain::payment::Payment;
use crate::error::Error;

/// Publishes `payment.requested`: the guest has no card on file and has to pay in the payment window.
pub async fn requested(tx: &Tx, payment: &Payment) -> Result<(), Error> {
    let event = pb::PaymentRequested {
        booking_id: payment.booking_id.to_string(),
        payment_id: payment.id.to_string(),
        guest_id: payment.guest_id.to_string(),
        order_id: payment.order_id.clone(),
        amount: payment.amount_krw,
        due_at: Some(timestamp(payment.due_at)),
    };
    Ok(tx.publish(&event).await?)
}

/// Publishes `payment.completed`.
pub async fn completed(tx: &Tx, payment: &Payment) -> Result<(), Error> {
    let event = pb::PaymentCompleted {
        booking_id: payment.booking_id.to_string(),
        payment_id: payment.id.to_string(),
        guest_id: payment.guest_id.to_string(),
        host_id: payment.host_id.to_string(),
        amount: payment.amount_krw,
        paid_at: payment.paid_at.map(timestamp),
    };
    Ok(tx.publish(&event).await?)
}

/// Publishes `payment.failed`: no further attempt follows.
pub async fn failed(tx: &Tx, payment: &Payment) -> Result<(), Error> {
    let event = pb::PaymentFailed {
        booking_id: payment.booking_id.to_string(),
        payment_id: payment.id.to_string(),
        guest_id: payment.guest_id.to_string(),
        host_id: payment.host_id.to_string(),
        failure_code: payment.failure_code.clone().unwrap_or_default(),
    };
    Ok(tx.publish(&event).await?)
}

/// Publishes `payment.refunded`, once per refund.
pub async fn refunded(tx: &Tx, payment: &Payment, amount_krw: i64) -> Result<(), Error> {
    let event = pb::PaymentRefunded {
        booking_id: payment.booking_id.to_string(),
        payment_id: payment.id.to_string(),
        guest_id: payment.guest_id.to_string(),
        host_id: payment.host_id.to_string(),
        refunded_amount: amount_krw,
        refunded_total: payment.refunded_krw,
        captured_amount: payment.amount_krw,
    };
    Ok(tx.publish(&event).await?)
}
