//! Stores a change of a booking: its row, history entry and event, always together.

use carshare_store::Tx;

use crate::domain::booking_change::transitions::Step;
use crate::domain::{Actor, Booking, Change, ChangeId, Status};
use crate::error::Error;
use crate::events::{publish, publish_changes};
use crate::store::{booking_changes, bookings, coupon_redemptions, status_history};

/// Stores a changed booking, whose row the transaction has locked. One that has ended closes its open change of the terms first,
/// and gives its coupon back unless the guest has used it.
pub async fn update(tx: &Tx, booking: &mut Booking, change: Change, actor: Actor) -> Result<(), Error> {
    match booking.open_change {
        Some(open) if !booking.state().is_live() => {
            let recorded = cancel_change(tx, booking, open, change.from, actor).await?;
            bookings::update_past(tx.conn(), booking, recorded).await?;
        }
        _ => bookings::update(tx.conn(), booking).await?,
    }
    if booking.releases_coupon(change.from) {
        coupon_redemptions::release(tx, booking.id).await?;
    }
    record(tx, booking, change, actor).await
}

/// Closes the open change of a booking that has just ended: `from` is the status before. Returns the number of versions under which it has
/// recorded entries of the history.
async fn cancel_change(
    tx: &Tx,
    booking: &mut Booking,
    open: ChangeId,
    from: Status,
    actor: Actor,
) -> Result<i64, Error> {
    booking.open_change = None;
    let Some(mut change) = booking_changes::find_of(tx.conn(), booking.id, open).await? else {
        return Ok(0);
    };
    let mut before = booking.clone();
    if before.close_change(&mut change, Step::Cancel, tx.now()).is_err() {
        return Ok(0);
    }
    before.version += 1;
    before.status = from;
    booking_changes::update(tx.conn(), &mut change).await?;
    status_history::insert(tx.conn(), &before, &change.entry(from), actor).await?;
    publish_changes::event(tx, &before, &change)?;
    Ok(1)
}

async fn record(tx: &Tx, booking: &Booking, change: Change, actor: Actor) -> Result<(), Error> {
    status_history::insert(tx.conn(), booking, &change, actor).await?;
    match change.event {
        Some(event) => publish::event(tx, booking, event),
        None => Ok(()),
    }
}
