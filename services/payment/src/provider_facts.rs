//! Records what the provider has: captures, and cancels of captured payments. Each is recorded once, whichever call, lookup
//! or webhook reports it first.

use carshare_store::Tx;

use crate::domain::attempt::AttemptOutcome;
use crate::domain::ids::RefundId;
use crate::domain::payment::{Payment, State};
use crate::domain::provider_report::{Cancel, PaymentSnapshot, PaymentStatus, ProviderResult};
use crate::domain::refund::{Origin, Refund, RefundState, refund_id_of};
use crate::error::Error;
use crate::events::publish;
use crate::provider::Lookup;
use crate::refund_requests;
use crate::store::{ledger, payment_attempts, payments, refunds};

/// Returns the snapshot if it is of a capture of this payment.
pub fn captured<'a>(payment: &Payment, result: &'a ProviderResult) -> Option<&'a PaymentSnapshot> {
    result.as_ref().ok().filter(|snapshot| {
        matches!(snapshot.status, PaymentStatus::Captured(_))
            && snapshot.order_id == payment.order_id
            && snapshot.total_krw == payment.amount_krw
    })
}

/// Returns how a payment is looked up.
pub fn lookup(payment: &Payment) -> Lookup {
    match &payment.payment_key {
        Some(key) => Lookup::Key(key.clone()),
        None => Lookup::Order(payment.order_id.clone()),
    }
}

/// Records a capture, unless it is recorded already, and its cancels. The payment has to be locked; it is updated.
pub async fn record_capture(tx: &Tx, payment: &mut Payment, snapshot: &PaymentSnapshot) -> Result<(), Error> {
    if let (PaymentStatus::Captured(paid_at), None) = (&snapshot.status, payment.paid_at) {
        let capture = payment.capture(snapshot, *paid_at)?;
        payments::update(tx, payment).await?;
        ledger::post_capture(tx, payment, &capture.posting).await?;
        publish::completed(tx, payment);
        end_open_attempt(tx, payment).await?;
        if capture.is_refunded {
            tracing::warn!(payment_id = %payment.id, "captured after the end of the booking, refunding");
            refund_requests::insert_owed(tx, payment, Origin::BookingEnd).await?;
        }
    }
    payment.stop_checking();
    record_cancels(tx, payment, &snapshot.cancels).await
}

/// Ends an attempt that is still open after the capture: the provider accepts no second one for an order.
async fn end_open_attempt(tx: &Tx, payment: &Payment) -> Result<(), Error> {
    match payment_attempts::find_open(tx.conn(), payment.id).await? {
        Some(open) => payment_attempts::end(tx, &open, AttemptOutcome::Failed, Some("SUPERSEDED")).await,
        None => Ok(()),
    }
}

/// Records the cancels that are not recorded yet. The payment has to be locked and captured; it is updated.
pub async fn record_cancels(tx: &Tx, payment: &mut Payment, cancels: &[Cancel]) -> Result<(), Error> {
    for cancel in cancels {
        if !refunds::exists_by_transaction_key(tx.conn(), &cancel.transaction_key).await? {
            let refund = complete_refund(tx, payment, cancel).await?;
            let posting = payment.refund(refund.amount_krw)?;
            ledger::post_refund(tx, payment.id, refund.id, &posting).await?;
            publish::refunded(tx, payment, refund.amount_krw);
        }
    }
    debug_assert!(
        payment.state != State::Unknown,
        "a captured payment has no unknown outcome"
    );
    payments::update(tx, payment).await
}

/// Completes the refund that led to the cancel, or inserts one for a cancel made in the provider's console.
async fn complete_refund(tx: &Tx, payment: &Payment, cancel: &Cancel) -> Result<Refund, Error> {
    let own = match refund_id_of(cancel) {
        Some(id) => refunds::lock(tx, id).await?,
        None => None,
    };
    if let Some(mut refund) = own.filter(|r| r.payment_id == payment.id && r.state != RefundState::Done) {
        refund.complete(cancel);
        refunds::update(tx, &mut refund).await?;
        return Ok(refund);
    }
    tracing::warn!(payment_id = %payment.id, amount_krw = cancel.amount_krw, "refund made at the provider");
    let refund = Refund::made_at_provider(RefundId(tx.new_id()), payment.id, cancel, tx.now());
    refunds::insert(tx, &refund).await?;
    Ok(refund)
}
