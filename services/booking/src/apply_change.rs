//! Stores a change of a booking: its row, history entry and event, always together.

use carshare_store::Tx;

use crate::domain::{Actor, Booking, Change};
use crate::error::Error;
use crate::events::publish;
use crate::store::{bookings, status_history};

/// Stores a changed booking, whose row the transaction has locked.
pub async fn update(tx: &Tx, booking: &mut Booking, change: Change, actor: Actor) -> Result<(), Error> {
    bookings::update(tx.conn(), booking).await?;
    record(tx, booking, change, actor).await
}

async fn record(tx: &Tx, booking: &Booking, change: Change, actor: Actor) -> Result<(), Error> {
    status_history::insert(tx.conn(), booking, &change, actor).await?;
    match change.event {
        Some(event) => publish::event(tx, booking, event),
        None => Ok(()),
    }
}
