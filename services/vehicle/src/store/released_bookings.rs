//! Table `released_bookings`: bookings that have released their car, and changes of bookings that have. Later events of them do not take it
//! again.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, raw_sql};

use crate::domain::{BookingId, VehicleId};
use crate::error::Result;

/// Records that the booking has released its car, and ends its occupancy: at `ended`, or altogether. Locks the car, so that
/// a concurrent hold or confirmation of the booking either comes first or finds the record.
pub async fn insert(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    vehicle: VehicleId,
    ended: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    conn.execute_raw(raw_sql!(
        Postgres,
        "SELECT release_booking({booking.0}, {vehicle.0}, {ended}, {now})"
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
