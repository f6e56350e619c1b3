//! Updates of a booking, and the check that precedes one of its car or period.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, IntoActiveModel as _, raw_sql};

use super::{Column, Entity, row};
use crate::domain::{Booking, BookingId, Period, VehicleId};
use crate::error::Error;

/// Stores what the erasure of a booking has changed. The caller has locked it; its version stays, because its history does.
pub async fn update_erased(conn: &impl ConnectionTrait, booking: &Booking) -> Result<(), Error> {
    let row = row::model(booking);
    Entity::update_many()
        .col_expr(Column::GuestMessage, Expr::value(row.guest_message))
        .col_expr(Column::HostResponse, Expr::value(row.host_response))
        .col_expr(Column::CancellationMessage, Expr::value(row.cancellation_message))
        .col_expr(Column::VehicleSnapshot, Expr::value(row.vehicle_snapshot))
        .col_expr(Column::SearchText, Expr::value(row.search_text))
        .filter(Column::Id.eq(row.id))
        .exec(conn)
        .await?;
    Ok(())
}

/// Updates a booking and increments its version. [`carshare_store::Error::Stale`] when the version changed since it was read.
pub async fn update(conn: &impl ConnectionTrait, booking: &mut Booking) -> Result<(), Error> {
    update_past(conn, booking, 0).await
}

/// Updates a booking as [`update`] does, and skips versions, under which the caller has inserted entries of the history.
pub async fn update_past(
    conn: &impl ConnectionTrait,
    booking: &mut Booking,
    skipped: i64,
) -> Result<(), Error> {
    let read_at = booking.version;
    booking.version += skipped + 1;
    let mut row = row::model(booking).into_active_model().reset_all();
    for column in row::INSERTED_ONLY {
        row.not_set(column);
    }
    let updated = Entity::update_many()
        .set(row)
        .filter(Column::Id.eq(booking.id.0))
        .filter(Column::Version.eq(read_at))
        .exec(conn)
        .await?;
    Ok(carshare_store::Error::expect_one(updated.rows_affected)?)
}

/// Returns whether another live booking takes the car in a part of the period.
pub async fn overlaps_live(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    vehicle: VehicleId,
    period: &Period,
) -> Result<bool, Error> {
    let (start, end) = (period.start(), period.end());
    let found = conn
        .query_one_raw(raw_sql!(
            Postgres,
            r#"SELECT 1 FROM bookings
               WHERE vehicle_id = {vehicle.0} AND tstzrange(starts_at, ends_at) && tstzrange({start}, {end})
                   AND status IN ('pending', 'approved', 'active') AND id <> {booking.0}
               LIMIT 1"#
        ))
        .await?;
    Ok(found.is_some())
}
