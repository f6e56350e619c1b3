//! Placement of a hold without a transaction of several statements: one reads what the hold is decided on, one places it.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, raw_sql};
use uuid::Uuid;

use super::super::columns::Columns;
use super::super::views::{EXTRAS, View};
use super::super::{availabilities, vehicles};
use super::Occupancy;
use crate::domain::{BookingId, OpeningHours, Period, VehicleId};
use crate::error::Result;

/// What a hold is decided on, all as of one moment.
pub struct HoldState {
    pub view: View,
    pub opening_hours: OpeningHours,
    /// Revision of the car and its opening hours.
    pub revision: i64,
    /// Whether the booking has released its car.
    pub is_released: bool,
    /// Occupancy of the booking, expired or not.
    pub occupancy: Option<Occupancy>,
}

/// Reads what a hold of the booking on the car is decided on. `None` if there is no such car.
pub async fn find_state(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    vehicle: VehicleId,
) -> Result<Option<HoldState>> {
    let (columns, rules) = (vehicles::COLUMNS, availabilities::RULES);
    let sql = format!(
        "SELECT {columns}, {EXTRAS}, {rules}, v.revision, \
            EXISTS (SELECT FROM released_bookings WHERE booking_id = $2), \
            o.vehicle_id, lower(o.period), upper(o.period), o.expires_at \
        FROM vehicles v LEFT JOIN occupancies o ON o.ref_id = $2 WHERE v.id = $1 AND v.withdrawn_at IS NULL"
    );
    let values = [vehicle.0.into(), booking.0.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = conn.query_one_raw(statement).await?;
    row.map(|row| read(booking, &row)).transpose()
}

/// What a hold of any booking on the car would be decided on, all as of one moment.
pub struct HoldConditions {
    pub view: View,
    pub opening_hours: OpeningHours,
    /// Whether a booking or a live hold takes the car in a part of the period.
    pub is_taken: bool,
}

/// Reads what a hold of a new booking would be decided on. `None` if there is no such car.
pub async fn find_conditions(
    conn: &impl ConnectionTrait,
    vehicle: VehicleId,
    period: Period,
    now: DateTime<Utc>,
) -> Result<Option<HoldConditions>> {
    let (columns, rules) = (vehicles::COLUMNS, availabilities::RULES);
    let sql = format!(
        "SELECT {columns}, {EXTRAS}, {rules}, \
            EXISTS (SELECT FROM occupancies o WHERE o.vehicle_id = v.id AND o.period && tstzrange($2, $3) \
                AND (o.expires_at IS NULL OR o.expires_at > $4)) \
        FROM vehicles v WHERE v.id = $1 AND v.withdrawn_at IS NULL"
    );
    let values = [
        vehicle.0.into(),
        period.start().into(),
        period.end().into(),
        now.into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = conn.query_one_raw(statement).await?;
    row.map(|row| {
        let mut columns = Columns::of(&row)?;
        Ok(HoldConditions {
            view: View::read(&mut columns)?,
            opening_hours: availabilities::read_opening_hours(&mut columns)?,
            is_taken: columns.read()?,
        })
    })
    .transpose()
}

fn read(booking: BookingId, row: &QueryResult) -> Result<HoldState> {
    let mut columns = Columns::of(row)?;
    Ok(HoldState {
        view: View::read(&mut columns)?,
        opening_hours: availabilities::read_opening_hours(&mut columns)?,
        revision: columns.read()?,
        is_released: columns.read()?,
        occupancy: occupancy(booking, &mut columns)?,
    })
}

fn occupancy(booking: BookingId, columns: &mut Columns<'_>) -> Result<Option<Occupancy>> {
    let vehicle: Option<Uuid> = columns.read()?;
    let (start, end): (Option<DateTime<Utc>>, Option<DateTime<Utc>>) = (columns.read()?, columns.read()?);
    let expires_at = columns.read()?;
    let (Some(vehicle), Some(start), Some(end)) = (vehicle, start, end) else {
        return Ok(None);
    };
    Ok(Some(Occupancy {
        booking,
        vehicle: VehicleId(vehicle),
        period: Period::new(start, end).map_err(anyhow::Error::from)?,
        expires_at,
    }))
}

/// Places a hold that was decided on at this revision, and returns whether it did: see `place_hold` in the migrations.
pub async fn place(
    conn: &impl ConnectionTrait,
    hold: &Occupancy,
    revision: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let Occupancy {
        booking,
        vehicle,
        period,
        expires_at,
    } = *hold;
    let (start, end) = (period.start(), period.end());
    let row = conn
        .query_one_raw(raw_sql!(
            Postgres,
            "SELECT place_hold({booking.0}, {vehicle.0}, {revision}, tstzrange({start}, {end}), {expires_at}, {now})"
        ))
        .await?;
    Ok(row.map_or(Ok(false), |row| row.try_get_by_index(0))?)
}
