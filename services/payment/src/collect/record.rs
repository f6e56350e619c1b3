//! Recording what the provider holds: a capture, and cancels that were made there. Each is booked once, whoever hears of it
//! first: the reply to a call, a query, or a webhook that led to one.

use carshare_store::Tx;

use crate::domain::attempt::Outcome;
use crate::domain::finding::{Cancel, Report, Standing};
use crate::domain::ids::RefundId;
use crate::domain::payment::{Payment, State};
use crate::domain::refund::{self, Refund, RefundState};
use crate::error::Error;
use crate::jobs;
use crate::events::publish;
use crate::store::{attempts, ledger, payments, refunds};

/// Whether the report says that the money of this payment was taken.
pub fn is_captured(payment: &Payment, report: &Report) -> bool {
    matches!(report.standing, Standing::Captured(_))
        && report.order_id == payment.order_id
        && report.total_krw == payment.amount_krw
}

/// Records that the money was taken, unless that is known, and whatever went back since. The payment is locked; it is
/// written back here.
pub async fn captured(tx: &Tx, payment: &mut Payment, report: &Report) -> Result<(), Error> {
    if let (Standing::Captured(paid_at), None) = (&report.standing, payment.paid_at) {
        let capture = payment.capture(report, *paid_at)?;
        payments::update(tx, payment).await?;
        ledger::post_capture(tx, payment, &capture.movement).await?;
        publish::completed(tx, payment).await?;
        end_others(tx, payment).await?;
        if let Some(refund_krw) = capture.refund_krw {
            tracing::warn!(payment_id = %payment.id, "captured for a booking that is over, goes back");
            refunds::insert(
                tx,
                &Refund::owed(RefundId(tx.new_id()), payment.id, refund_krw, tx.now()),
            )
            .await?;
            tx.notify_job(jobs::refunds::NAME);
        }
    }
    payment.rest();
    cancels(tx, payment, &report.cancels).await
}

/// No attempt stays open beside a capture: the provider takes no second one for an order.
async fn end_others(tx: &Tx, payment: &Payment) -> Result<(), Error> {
    match attempts::find_open(tx.conn(), payment.id).await? {
        Some(open) => attempts::end(tx, &open, Outcome::Failed, Some("SUPERSEDED")).await,
        None => Ok(()),
    }
}

/// Records the cancels that are not recorded yet. The payment is locked and captured; it is written back here.
pub async fn cancels(tx: &Tx, payment: &mut Payment, cancels: &[Cancel]) -> Result<(), Error> {
    for cancel in cancels {
        if !refunds::exists_by_transaction_key(tx.conn(), &cancel.transaction_key).await? {
            let refund = settle(tx, payment, cancel).await?;
            let movement = payment.give_back(refund.amount_krw)?;
            ledger::post_refund(tx, payment.id, refund.id, &movement).await?;
            publish::refunded(tx, payment, refund.amount_krw).await?;
        }
    }
    debug_assert!(
        payment.state != State::Unknown,
        "a captured payment is not unknown"
    );
    payments::update(tx, payment).await
}

/// The refund that the cancel is: ours, or one that was made over there.
async fn settle(tx: &Tx, payment: &Payment, cancel: &Cancel) -> Result<Refund, Error> {
    let ours = match refund::named_by(cancel) {
        Some(id) => refunds::lock(tx, id).await?,
        None => None,
    };
    if let Some(mut refund) = ours.filter(|r| r.payment_id == payment.id && r.state != RefundState::Done) {
        refund.done(cancel);
        refunds::update(tx, &refund).await?;
        return Ok(refund);
    }
    tracing::warn!(payment_id = %payment.id, amount_krw = cancel.amount_krw, "given back at the provider without us");
    let refund = Refund::made_there(RefundId(tx.new_id()), payment.id, cancel, tx.now());
    refunds::insert(tx, &refund).await?;
    Ok(refund)
}
