//! Bookings by their ids.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;
use sea_orm::entity::prelude::*;

use super::{Column, Entity, row};
use crate::domain::{Booking, BookingId};
use crate::error::Error;

/// Returns those of these bookings that exist.
pub async fn list_by_id(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = BookingId>,
) -> Result<HashMap<BookingId, Booking>, Error> {
    let ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = Entity::find().filter(Column::Id.is_in(ids)).all(conn).await?;
    let bookings = rows.into_iter().map(row::booking);
    bookings
        .map(|booking| booking.map(|booking| (booking.id, booking)))
        .collect()
}
