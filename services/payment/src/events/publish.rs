//! Publishes the service's events, in the transaction of the change. Those of a further charge have names of their own, because a
//! `payment.…` event is about the price of a booking and decides whether it takes place.

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
        charge_id: payment.charge_id.map(|id| id.to_string()),
    };
    tx.publish(&event);
}

/// Publishes `payment.completed` or `payment.charge_completed`.
pub fn completed(tx: &Tx, payment: &Payment) {
    let (booking_id, payment_id, guest_id, host_id) = ids(payment);
    let (amount, paid_at) = (payment.amount_krw, payment.paid_at.map(timestamp));
    match payment.charge_id {
        None => tx.publish(&pb::PaymentCompleted {
            booking_id,
            payment_id,
            guest_id,
            host_id,
            amount,
            paid_at,
        }),
        Some(charge) => tx.publish(&pb::ChargeCompleted {
            booking_id,
            charge_id: charge.to_string(),
            payment_id,
            guest_id,
            host_id,
            amount,
            paid_at,
        }),
    }
}

/// Publishes `payment.failed` or `payment.charge_failed`: no further attempt follows.
pub fn failed(tx: &Tx, payment: &Payment) {
    let (booking_id, payment_id, guest_id, host_id) = ids(payment);
    let failure_code = payment.failure_code.clone().unwrap_or_default();
    match payment.charge_id {
        None => tx.publish(&pb::PaymentFailed {
            booking_id,
            payment_id,
            guest_id,
            host_id,
            failure_code,
        }),
        Some(charge) => tx.publish(&pb::ChargeFailed {
            booking_id,
            charge_id: charge.to_string(),
            payment_id,
            guest_id,
            host_id,
            failure_code,
        }),
    }
}

/// Publishes `payment.refunded` or `payment.charge_refunded`, once per refund.
pub fn refunded(tx: &Tx, payment: &Payment, amount_krw: i64) {
    let (booking_id, payment_id, guest_id, host_id) = ids(payment);
    let (refunded_total, captured_amount) = (payment.refunded_krw, payment.amount_krw);
    match payment.charge_id {
        None => tx.publish(&pb::PaymentRefunded {
            booking_id,
            payment_id,
            guest_id,
            host_id,
            refunded_amount: amount_krw,
            refunded_total,
            captured_amount,
        }),
        Some(charge) => tx.publish(&pb::ChargeRefunded {
            booking_id,
            charge_id: charge.to_string(),
            payment_id,
            guest_id,
            host_id,
            refunded_amount: amount_krw,
            refunded_total,
            captured_amount,
        }),
    }
}

/// Returns the ids of the booking, the payment, the guest and the host.
fn ids(payment: &Payment) -> (String, String, String, String) {
    (
        payment.booking_id.to_string(),
        payment.id.to_string(),
        payment.guest_id.to_string(),
        payment.host_id.to_string(),
    )
}
