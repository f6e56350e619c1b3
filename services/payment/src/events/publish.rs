//! Publishes the service's events, in the transaction of the change.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use crate::domain::payment::Payment;

/// Publishes `payment.requested`: the guest has no card on file and has to pay in the payment window.
pub fn requested(tx: &Tx, payment: &Payment) {
    let event = pb::PaymentRequested {
        booking_id: payment.booking_id.to_string(),
        payment_id: payment.id.to_string(),
        guest_id: payment.guest_id.to_string(),
        order_id: payment.order_id.clone(),
        amount: payment.amount_krw,
        due_at: Some(timestamp(payment.due_at)),
    };
    tx.publish(&event);
}

/// Publishes `payment.completed`.
pub fn completed(tx: &Tx, payment: &Payment) {
    let event = pb::PaymentCompleted {
        booking_id: payment.booking_id.to_string(),
        payment_id: payment.id.to_string(),
        guest_id: payment.guest_id.to_string(),
        host_id: payment.host_id.to_string(),
        amount: payment.amount_krw,
        paid_at: payment.paid_at.map(timestamp),
    };
    tx.publish(&event);
}

/// Publishes `payment.failed`: no further attempt follows.
pub fn failed(tx: &Tx, payment: &Payment) {
    let event = pb::PaymentFailed {
        booking_id: payment.booking_id.to_string(),
        payment_id: payment.id.to_string(),
        guest_id: payment.guest_id.to_string(),
        host_id: payment.host_id.to_string(),
        failure_code: payment.failure_code.clone().unwrap_or_default(),
    };
    tx.publish(&event);
}

/// Publishes `payment.refunded`, once per refund.
pub fn refunded(tx: &Tx, payment: &Payment, amount_krw: i64) {
    let event = pb::PaymentRefunded {
        booking_id: payment.booking_id.to_string(),
        payment_id: payment.id.to_string(),
        guest_id: payment.guest_id.to_string(),
        host_id: payment.host_id.to_string(),
        refunded_amount: amount_krw,
        refunded_total: payment.refunded_krw,
        captured_amount: payment.amount_krw,
    };
    tx.publish(&event);
}
