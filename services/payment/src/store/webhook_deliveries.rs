//! Table `webhook_deliveries`.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait as _, raw_sql};

use crate::domain::ids::PaymentId;
use crate::error::Error;

/// Inserts a delivery and returns `true`; `false` when it is a repeated one.
pub async fn insert(tx: &Tx, delivery_id: &str, payment: PaymentId, event_type: &str) -> Result<bool, Error> {
    let (payment_id, now) = (payment.0, tx.now());
    let insert = raw_sql!(
        Postgres,
        r#"INSERT INTO webhook_deliveries (delivery_id, payment_id, event_type, received_at)
           VALUES ({delivery_id}, {payment_id}, {event_type}, {now}) ON CONFLICT DO NOTHING"#
    );
    let inserted = tx.conn().execute_raw(insert).await?;
    Ok(inserted.rows_affected() == 1)
}
