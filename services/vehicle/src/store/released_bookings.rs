//! Table `released_bookings`: bookings that have released their car. Later events of them do not take it again.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, raw_sql};

use crate::domain::BookingId;
use crate::error::Result;

pub async fn insert(conn: &impl ConnectionTrait, booking: BookingId, now: DateTime<Utc>) -> Result<()> {
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"
        INSERT INTO released_bookings (booking_id, released_at) VALUES ({booking.0}, {now})
        ON CONFLICT (booking_id) DO NOTHING
        "#
    ))
    .await?;
    Ok(())
}

/// Returns whether the booking has released its car.
pub async fn exists(conn: &impl ConnectionTrait, booking: BookingId) -> Result<bool> {
    let found = conn
        .query_one_raw(raw_sql!(
            Postgres,
            "SELECT 1 FROM released_bookings WHERE booking_id = {booking.0}"
        ))
        .await?;
    Ok(found.is_some())
}
