//! The tables `ledger_accounts`, `ledger_transactions` and `ledger_entries`. The database itself refuses a transaction
//! that does not sum to zero, a second posting of the same thing, and any change.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::domain::ids::{PaymentId, RefundId};
use crate::domain::ledger::{Account, Movement};
use crate::domain::payment::Payment;
use crate::error::Error;

/// Books a capture.
pub async fn post_capture(tx: &Tx, payment: &Payment, movement: &Movement) -> Result<(), Error> {
    post(tx, payment.id, "capture", &payment.order_id, movement).await
}

/// Books a refund.
pub async fn post_refund(
    tx: &Tx,
    payment: PaymentId,
    refund: RefundId,
    movement: &Movement,
) -> Result<(), Error> {
    post(tx, payment, "refund", &refund.to_string(), movement).await
}

async fn post(
    tx: &Tx,
    payment: PaymentId,
    kind: &str,
    reference: &str,
    movement: &Movement,
) -> Result<(), Error> {
    let id = tx.new_id();
    let sql = "INSERT INTO ledger_transactions (id, payment_id, kind, ref, occurred_at) VALUES ($1, $2, $3, $4, $5)";
    let values = [
        id.into(),
        payment.0.into(),
        kind.into(),
        reference.into(),
        tx.now().into(),
    ];
    tx.conn()
        .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
        .await?;
    for entry in movement.entries() {
        ensure_account(tx, entry.account).await?;
        let sql = "INSERT INTO ledger_entries (transaction_id, account_id, amount_krw) \
            SELECT $1, id, $3 FROM ledger_accounts WHERE code = $2";
        let values = [id.into(), entry.account.code().into(), entry.amount_krw.into()];
        tx.conn()
            .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
            .await?;
    }
    Ok(())
}

async fn ensure_account(tx: &Tx, account: Account) -> Result<(), Error> {
    let sql = "INSERT INTO ledger_accounts (code, kind) VALUES ($1, $2) ON CONFLICT (code) DO NOTHING";
    let values = [account.code().into(), account.kind().as_str().into()];
    tx.conn()
        .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
        .await?;
    Ok(())
}
