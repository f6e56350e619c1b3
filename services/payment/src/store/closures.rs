//! The table `closures`: bookings that are over, known before or after their payment.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::ids::BookingId;
use crate::domain::payment::Closing;
use crate::error::Error;

/// Makes all transactions about one booking take turns. An approval and a cancellation that do not see each other's rows
/// yet would both think that they come first.
pub async fn lock(tx: &Tx, booking: BookingId) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    let lock = Statement::from_sql_and_values(DbBackend::Postgres, sql, [booking.to_string().into()]);
    tx.conn().execute_raw(lock).await?;
    Ok(())
}

/// Whether the booking is over.
pub async fn exists(conn: &impl ConnectionTrait, booking: BookingId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM closures WHERE booking_id = $1";
    let find = Statement::from_sql_and_values(DbBackend::Postgres, sql, [booking.0.into()]);
    Ok(conn.query_one_raw(find).await?.is_some())
}

/// Stores the end of a booking. The first one counts.
pub async fn insert(tx: &Tx, booking: BookingId, closing: Closing) -> Result<(), Error> {
    let sql =
        "INSERT INTO closures (booking_id, refund_krw, closed_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let values = [booking.0.into(), closing.refund_krw.into(), closing.at.into()];
    tx.conn()
        .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
        .await?;
    Ok(())
}
