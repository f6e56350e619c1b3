//! Tables `ledger_accounts`, `ledger_transactions` and `ledger_entries`. Triggers and constraints reject transactions that
//! do not sum to zero, repeated postings, and every update or delete.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait as _, raw_sql};

use crate::domain::ids::{PaymentId, RefundId};
use crate::domain::ledger::{Account, Posting};
use crate::domain::payment::Payment;
use crate::error::Error;

/// Appends the entries of a capture. Fails when the payment has a capture.
pub async fn post_capture(tx: &Tx, payment: &Payment, posting: &Posting) -> Result<(), Error> {
    post(tx, payment.id, "capture", &payment.order_id, posting).await
}

/// Appends the entries of a refund. Fails when that refund has entries.
pub async fn post_refund(
    tx: &Tx,
    payment: PaymentId,
    refund: RefundId,
    posting: &Posting,
) -> Result<(), Error> {
    post(tx, payment, "refund", &refund.to_string(), posting).await
}

async fn post(
    tx: &Tx,
    payment: PaymentId,
    kind: &str,
    reference: &str,
    posting: &Posting,
) -> Result<(), Error> {
    let (id, payment_id, now) = (tx.new_id(), payment.0, tx.now());
    let insert = raw_sql!(
        Postgres,
        r#"INSERT INTO ledger_transactions (id, payment_id, kind, ref, occurred_at)
           VALUES ({id}, {payment_id}, {kind}, {reference}, {now})"#
    );
    tx.conn().execute_raw(insert).await?;
    for entry in posting.entries() {
        insert_account(tx, entry.account).await?;
        let (code, amount_krw) = (entry.account.code(), entry.amount_krw);
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO ledger_entries (transaction_id, account_id, amount_krw)
               SELECT {id}, id, {amount_krw} FROM ledger_accounts WHERE code = {code}"#
        );
        tx.conn().execute_raw(insert).await?;
    }
    Ok(())
}

/// Inserts an account unless it exists: those of hosts are created at their first posting.
async fn insert_account(tx: &Tx, account: Account) -> Result<(), Error> {
    let (code, kind) = (account.code(), account.kind().as_str());
    let insert = raw_sql!(
        Postgres,
        "INSERT INTO ledger_accounts (code, kind) VALUES ({code}, {kind}) ON CONFLICT (code) DO NOTHING"
    );
    tx.conn().execute_raw(insert).await?;
    Ok(())
}
