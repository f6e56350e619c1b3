//! Bookings in replies, with the profiles of their guests.

use carshare_proto::booking::v1 as pb;
use carshare_proto::options::v1::Role;
use sea_orm::ConnectionTrait;

use super::convert;
use crate::domain::{Booking, UserId};
use crate::error::Error;

pub async fn booking(
    conn: &impl ConnectionTrait,
    booking: &Booking,
    viewer: UserId,
) -> Result<pb::Booking, Error> {
    let mut profiles = carshare_profiles::list(conn, Role::Guest, [booking.guest_id.0]).await?;
    convert::booking(booking, profiles.remove(&booking.guest_id.0), viewer)
}

pub async fn bookings(
    conn: &impl ConnectionTrait,
    bookings: &[Booking],
    viewer: UserId,
) -> Result<Vec<pb::Booking>, Error> {
    let guests = bookings.iter().map(|booking| booking.guest_id.0);
    let profiles = carshare_profiles::list(conn, Role::Guest, guests).await?;
    bookings
        .iter()
        .map(|booking| convert::booking(booking, profiles.get(&booking.guest_id.0).cloned(), viewer))
        .collect()
}
