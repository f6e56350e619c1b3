//! Expires requests that the host has not answered by `respond_by`: `booking.expired`.

use carshare_store::Tx;

use super::BATCH;
use crate::apply_change::Actor;
use crate::domain::BookingId;
use crate::error::Error;
use crate::store::bookings;
use crate::{App, apply_change};

pub async fn run(app: &App) -> Result<(), Error> {
    loop {
        let due = bookings::list_unanswered(app.db.conn(), app.environment.clock.now(), BATCH).await?;
        let expire = |id| app.db.transaction("bookings.expire", id, expire);
        if !super::each(due, expire).await? {
            return Ok(());
        }
    }
}

/// Expires the booking unless the host answered in the meantime.
async fn expire(tx: &Tx, &id: &BookingId) -> Result<(), Error> {
    let Some(mut booking) = bookings::lock(tx.conn(), id).await? else {
        return Ok(());
    };
    match booking.expire(tx.now()) {
        Some(change) => apply_change::update(tx, &mut booking, change, Actor::Timer).await,
        None => Ok(()),
    }
}
