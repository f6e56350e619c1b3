//! The booking an RPC answers with: together with its guest, whom another table knows.

use carshare_proto::booking::v1 as pb;
use sea_orm::ConnectionTrait;

use super::convert;
use crate::domain::Booking;
use crate::error::Error;
use crate::store::people;

/// One booking.
pub async fn booking(conn: &impl ConnectionTrait, booking: &Booking) -> Result<pb::Booking, Error> {
    let guest = people::find(conn, booking.guest_id).await?;
    convert::booking(booking, guest.as_ref())
}

/// Many, with one question for all their guests.
pub async fn bookings(conn: &impl ConnectionTrait, bookings: &[Booking]) -> Result<Vec<pb::Booking>, Error> {
    let guests = people::list(conn, bookings.iter().map(|booking| booking.guest_id)).await?;
    bookings
        .iter()
        .map(|booking| convert::booking(booking, guests.get(&booking.guest_id)))
        .collect()
}
