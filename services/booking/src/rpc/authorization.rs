//! BookingFilter booking it is. To everybody else it does not exist.

use carshare_chassis::rpc::CallContext;
use carshare_store::Tx;

use crate::apply_change::Actor;
use crate::domain::{Booking, BookingId, Party, UserId};
use crate::error::Error;
use crate::store::bookings;

pub fn caller(ctx: &CallContext) -> Result<UserId, Error> {
    Ok(UserId(ctx.user()?.id))
}

/// The booking, locked, and the side the user is on.
pub async fn lock(tx: &Tx, id: BookingId, user: UserId) -> Result<(Booking, Party), Error> {
    let booking = bookings::lock(tx.conn(), id)
        .await?
        .ok_or(Error::BookingNotFound)?;
    let party = booking.party(user).ok_or(Error::BookingNotFound)?;
    Ok((booking, party))
}

/// The booking, locked, for its host alone.
pub async fn lock_as_host(tx: &Tx, id: BookingId, host: UserId) -> Result<(Booking, Actor), Error> {
    match lock(tx, id, host).await? {
        (booking, Party::Host) => Ok((booking, Actor::Person(Party::Host, host))),
        (_, Party::Guest) => Err(Error::BookingNotFound),
    }
}
