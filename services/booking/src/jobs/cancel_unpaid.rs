//! Cancels approved bookings that are not paid by `payment_due_at`: `booking.cancelled` with reason `payment_overdue`.
//!
//! The payment service refunds in full a capture that booking does not know of yet.

use carshare_store::Tx;

use super::BATCH;
use crate::apply_change::Actor;
use crate::domain::BookingId;
use crate::error::Error;
use crate::store::bookings;
use crate::{App, apply_change};

pub async fn run(app: &App) -> Result<(), Error> {
    loop {
        let due = bookings::list_unpaid(app.db.conn(), app.environment.clock.now(), BATCH).await?;
        let cancel = |id| app.db.transaction("bookings.cancel_unpaid", id, cancel);
        if !super::each(due, cancel).await? {
            return Ok(());
        }
    }
}

/// Cancels the booking unless it was paid in the meantime.
async fn cancel(tx: &Tx, &id: &BookingId) -> Result<(), Error> {
    let Some(mut booking) = bookings::lock(tx.conn(), id).await? else {
        return Ok(());
    };
    match booking.miss_payment(tx.now()) {
        Some(change) => apply_change::update(tx, &mut booking, change, Actor::Timer).await,
        None => Ok(()),
    }
}
