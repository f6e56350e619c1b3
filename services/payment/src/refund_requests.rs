//! Decides which refunds are to be made.

use carshare_store::Tx;

use crate::domain::ids::RefundId;
use crate::domain::payment::Payment;
use crate::domain::refund::{Origin, Refund};
use crate::error::Error;
use crate::jobs;
use crate::store::refunds;

/// Inserts a refund of what is owed of a payment for this reason and not being refunded yet, if anything. The payment has to be locked.
pub async fn insert_owed(tx: &Tx, payment: &Payment, origin: Origin) -> Result<(), Error> {
    let amount_krw = payment.owed_krw(origin) - refunds::open_krw(tx.conn(), payment.id).await?;
    if amount_krw <= 0 {
        return Ok(());
    }
    let refund = Refund::new(RefundId(tx.new_id()), payment.id, amount_krw, origin, tx.now());
    refunds::insert(tx, &refund).await?;
    tx.notify_job(jobs::REFUNDS);
    Ok(())
}
