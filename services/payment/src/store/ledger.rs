//! Tables `ledger_accounts`, `ledger_transactions` and `ledger_entries`. Triggers and constraints reject transactions that
//! do not sum to zero, repeated postings, and every update or delete.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait as _, raw_sql};

use crate::domain::ids::{PaymentId, RefundId, SettlementId};
use crate::domain::ledger::{self, Account, Entry, Posting};
use crate::domain::payment::Payment;
use crate::domain::settlement::{Settlement, Transfer};
use crate::error::Error;

/// What a transaction of the ledger is about.
#[derive(Clone, Copy)]
enum Subject {
    Payment(PaymentId),
    Settlement(SettlementId),
}

/// Appends the entries of a capture. Fails when the payment has a capture.
pub async fn post_capture(tx: &Tx, payment: &Payment, posting: &Posting) -> Result<(), Error> {
    let subject = Subject::Payment(payment.id);
    post(tx, subject, "capture", &payment.order_id, posting.entries()).await
}

/// Appends the entries of a refund. Fails when that refund has entries.
pub async fn post_refund(
    tx: &Tx,
    payment: PaymentId,
    refund: RefundId,
    posting: &Posting,
) -> Result<(), Error> {
    let subject = Subject::Payment(payment);
    post(tx, subject, "refund", &refund.to_string(), posting.entries()).await
}

/// Appends the entries of a new settlement. Fails when it has some.
pub async fn post_settlement(tx: &Tx, settlement: &Settlement) -> Result<(), Error> {
    let (id, entries) = (
        settlement.id,
        ledger::settlement_entries(settlement.host_id, settlement.amount_krw),
    );
    post(
        tx,
        Subject::Settlement(id),
        "settlement",
        &id.to_string(),
        entries,
    )
    .await
}

/// Appends the entries of the bank transfer that paid a settlement. Fails when there is one.
pub async fn post_payout(tx: &Tx, settlement: &Settlement, transfer: &Transfer) -> Result<(), Error> {
    let entries = ledger::payout_entries(settlement.amount_krw);
    post(
        tx,
        Subject::Settlement(settlement.id),
        "payout",
        &transfer.reference,
        entries,
    )
    .await
}

async fn post(
    tx: &Tx,
    subject: Subject,
    kind: &str,
    reference: &str,
    entries: Vec<Entry>,
) -> Result<(), Error> {
    let (id, now) = (tx.new_id(), tx.now());
    let (payment_id, settlement_id) = match subject {
        Subject::Payment(id) => (Some(id.0), None),
        Subject::Settlement(id) => (None, Some(id.0)),
    };
    let insert = raw_sql!(
        Postgres,
        r#"INSERT INTO ledger_transactions (id, payment_id, settlement_id, kind, ref, occurred_at)
           VALUES ({id}, {payment_id}, {settlement_id}, {kind}, {reference}, {now})"#
    );
    tx.conn().execute_raw(insert).await?;
    for entry in entries {
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
