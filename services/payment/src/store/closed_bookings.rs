//! Table `closed_bookings`: bookings, and changes of bookings, that ended, whether or not they have a payment yet.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait, raw_sql};
use uuid::Uuid;

use crate::domain::ids::{BookingId, ChargeId};
use crate::domain::payment::BookingEnd;
use crate::error::Error;

/// Serializes all transactions about one booking. Without it, an approval and a cancellation that do not see each other's
/// uncommitted rows would both proceed as the first.
pub async fn lock(tx: &Tx, booking: BookingId) -> Result<(), Error> {
    let key = booking.to_string();
    let lock = raw_sql!(
        Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended({key}, 0))"
    );
    tx.conn().execute_raw(lock).await?;
    Ok(())
}

/// Returns whether the booking, or the change, has ended.
pub async fn exists(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    charge: Option<ChargeId>,
) -> Result<bool, Error> {
    let (id, charge) = (booking.0, charge.map(|charge| charge.0));
    let find = raw_sql!(
        Postgres,
        "SELECT 1 FROM closed_bookings WHERE booking_id IN ({id}, {charge}) LIMIT 1"
    );
    Ok(conn.query_one_raw(find).await?.is_some())
}

/// Inserts the end of a booking, or of a change by its id, unless one is stored already.
pub async fn insert(tx: &Tx, id: Uuid, end: BookingEnd) -> Result<(), Error> {
    let (refund_krw, closed_at) = (end.refund_krw, end.at);
    let insert = raw_sql!(
        Postgres,
        r#"INSERT INTO closed_bookings (booking_id, refund_krw, closed_at) VALUES ({id}, {refund_krw}, {closed_at})
           ON CONFLICT DO NOTHING"#
    );
    tx.conn().execute_raw(insert).await?;
    Ok(())
}
