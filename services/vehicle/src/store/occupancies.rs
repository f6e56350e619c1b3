//! Table `occupancies`: the calendar of every car.

mod placement;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, raw_sql};

pub use placement::{HoldState, find_conditions, find_state, place};

use crate::domain::{BookingId, Period, VehicleId};
use crate::error::Result;

/// A period in which a hold or booking takes a car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    pub booking: BookingId,
    pub vehicle: VehicleId,
    pub period: Period,
    /// Expiry of a hold; `None` for a booking.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Occupancy {
    /// Returns whether this is a booking, or a hold that has not expired.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// Inserts an occupancy unless the exclusion constraint refuses it, and returns whether it was inserted. The caller has
/// locked the car and deleted expired holds.
pub async fn insert(conn: &impl ConnectionTrait, new: &Occupancy, now: DateTime<Utc>) -> Result<bool> {
    let Occupancy {
        booking,
        vehicle,
        period,
        expires_at,
    } = *new;
    let (start, end) = (period.start(), period.end());
    let kind = if expires_at.is_some() { "hold" } else { "booking" };
    let done = conn
        .execute_raw(raw_sql!(
            Postgres,
            r#"
            INSERT INTO occupancies (ref_id, vehicle_id, period, kind, expires_at, created_at)
            VALUES ({booking.0}, {vehicle.0}, tstzrange({start}, {end}), {kind}, {expires_at}, {now})
            ON CONFLICT ON CONSTRAINT occupancies_no_overlap DO NOTHING
            "#
        ))
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes expired holds that overlap a new occupancy, or belong to its booking.
pub async fn delete_expired(conn: &impl ConnectionTrait, new: &Occupancy, now: DateTime<Utc>) -> Result<()> {
    let Occupancy {
        booking,
        vehicle,
        period,
        ..
    } = *new;
    let (start, end) = (period.start(), period.end());
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"
        DELETE FROM occupancies
        WHERE expires_at <= {now}
          AND (ref_id = {booking.0} OR vehicle_id = {vehicle.0} AND period && tstzrange({start}, {end}))
        "#
    ))
    .await?;
    Ok(())
}

/// Turns the hold of a booking into a booking; an expired hold only if `with_expired`. Returns whether the booking takes the
/// car now, also if it did before; not if it has released the car.
pub async fn confirm(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    with_expired: bool,
    now: DateTime<Utc>,
) -> Result<bool> {
    let row = conn
        .query_one_raw(raw_sql!(
            Postgres,
            "SELECT confirm_hold({booking.0}, {with_expired}, {now})"
        ))
        .await?;
    Ok(row.map_or(Ok(false), |row| row.try_get_by_index(0))?)
}

/// Gives the occupancy of a booking another car and period because a change of it applies, and releases what the change has held. Returns
/// whether it could: see `move_occupancy` in the migrations.
pub async fn move_to(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    change: BookingId,
    vehicle: VehicleId,
    period: Period,
    now: DateTime<Utc>,
) -> Result<bool> {
    let (start, end) = (period.start(), period.end());
    let row = conn
        .query_one_raw(raw_sql!(
            Postgres,
            "SELECT move_occupancy({booking.0}, {change.0}, {vehicle.0}, tstzrange({start}, {end}), {now})"
        ))
        .await?;
    Ok(row.map_or(Ok(false), |row| row.try_get_by_index(0))?)
}

/// Returns whether a booking takes the car in a part of the period. Holds do not count.
pub async fn is_booked(conn: &impl ConnectionTrait, vehicle: VehicleId, period: Period) -> Result<bool> {
    let (start, end) = (period.start(), period.end());
    let found = conn
        .query_one_raw(raw_sql!(
            Postgres,
            r#"
            SELECT 1 FROM occupancies
            WHERE vehicle_id = {vehicle.0} AND period && tstzrange({start}, {end}) AND kind = 'booking'
            LIMIT 1
            "#
        ))
        .await?;
    Ok(found.is_some())
}

/// Deletes the hold of the booking. An occupancy by the booking itself stays.
pub async fn delete_hold(conn: &impl ConnectionTrait, booking: BookingId) -> Result<()> {
    conn.execute_raw(raw_sql!(
        Postgres,
        "DELETE FROM occupancies WHERE ref_id = {booking.0} AND kind = 'hold'"
    ))
    .await?;
    Ok(())
}

/// Deletes the expired holds of a car.
pub async fn delete_expired_of(
    conn: &impl ConnectionTrait,
    vehicle: VehicleId,
    now: DateTime<Utc>,
) -> Result<()> {
    conn.execute_raw(raw_sql!(
        Postgres,
        "DELETE FROM occupancies WHERE vehicle_id = {vehicle.0} AND upper(period) > {now} AND expires_at <= {now}"
    ))
    .await?;
    Ok(())
}

/// Returns whether the car is taken now or later.
pub async fn exists_after(
    conn: &impl ConnectionTrait,
    vehicle: VehicleId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let found = conn
        .query_one_raw(raw_sql!(
            Postgres,
            r#"
            SELECT 1 FROM occupancies
            WHERE vehicle_id = {vehicle.0} AND upper(period) > {now} AND (expires_at IS NULL OR expires_at > {now})
            LIMIT 1
            "#
        ))
        .await?;
    Ok(found.is_some())
}

/// Deletes the expired holds that were created after `since`. Returns their number.
pub async fn delete_all_expired(
    conn: &impl ConnectionTrait,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64> {
    let done = conn
        .execute_raw(raw_sql!(
            Postgres,
            "DELETE FROM occupancies WHERE created_at > {since} AND expires_at <= {now}"
        ))
        .await?;
    Ok(done.rows_affected())
}

/// Deletes occupancies that were created and whose period ended before `before`.
pub async fn delete_ended_before(conn: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<()> {
    conn.execute_raw(raw_sql!(
        Postgres,
        "DELETE FROM occupancies WHERE created_at < {before} AND upper(period) < {before}"
    ))
    .await?;
    Ok(())
}
