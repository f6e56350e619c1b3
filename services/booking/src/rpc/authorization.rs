//! Loads a booking for one of its sides. To all others it is NOT_FOUND, so that its existence is not revealed.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::rpc::CallContext;
use carshare_store::Tx;

use crate::App;
use crate::domain::{Actor, Booking, BookingId, Party, UserId};
use crate::error::Error;
use crate::store::bookings;

pub fn caller(ctx: &CallContext) -> Result<UserId, Error> {
    Ok(UserId(ctx.user()?.id))
}

/// Finds the booking for one of its sides.
pub async fn find(app: &App, id: BookingId, user: UserId) -> Result<(Booking, Party), Error> {
    let found = bookings::find(app.db.conn(), id).await?;
    let booking = found.ok_or(Error::BookingNotFound)?;
    let party = booking.party(user).ok_or(Error::BookingNotFound)?;
    Ok((booking, party))
}

/// Finds the booking for one of its sides or an admin.
pub async fn find_visible(app: &App, id: BookingId, user: &UserCaller) -> Result<Booking, Error> {
    let found = bookings::find(app.db.conn(), id).await?;
    let booking = found.ok_or(Error::BookingNotFound)?;
    if user.role != Role::Admin && booking.party(UserId(user.id)).is_none() {
        return Err(Error::BookingNotFound);
    }
    Ok(booking)
}

/// Locks the booking for one of its sides.
pub async fn lock(tx: &Tx, id: BookingId, user: UserId) -> Result<(Booking, Party), Error> {
    let booking = bookings::lock(tx.conn(), id)
        .await?
        .ok_or(Error::BookingNotFound)?;
    let party = booking.party(user).ok_or(Error::BookingNotFound)?;
    Ok((booking, party))
}

/// Locks the booking for its host.
pub async fn lock_as_host(tx: &Tx, id: BookingId, host: UserId) -> Result<(Booking, Actor), Error> {
    match lock(tx, id, host).await? {
        (booking, Party::Host) => Ok((booking, Actor::Person(Party::Host, host))),
        (_, Party::Guest) => Err(Error::BookingNotFound),
    }
}
