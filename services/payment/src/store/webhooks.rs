//! The table `webhook_deliveries`.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::domain::ids::PaymentId;
use crate::error::Error;

/// Notes a delivery; `false` when it was noted before.
pub async fn insert(tx: &Tx, delivery_id: &str, payment: PaymentId, event_type: &str) -> Result<bool, Error> {
    let sql = "INSERT INTO webhook_deliveries (delivery_id, payment_id, event_type, received_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let values = [
        delivery_id.into(),
        payment.0.into(),
        event_type.into(),
        tx.now().into(),
    ];
    let inserted = tx
        .conn()
        .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
        .await?;
    Ok(inserted.rows_affected() == 1)
}
