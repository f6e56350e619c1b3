//! Stores a step of a change of the terms of a booking: both rows, history entry and event, always together.

use carshare_store::Tx;

use crate::apply_change;
use crate::domain::booking_change::ChangeStatus;
use crate::domain::booking_change::transitions::Step;
use crate::domain::{Actor, Booking, BookingChange};
use crate::error::Error;
use crate::events::publish_changes;
use crate::store::{booking_changes, bookings};

/// Stores a new change and its booking, which the transaction has locked.
pub async fn insert(
    tx: &Tx,
    booking: &mut Booking,
    change: &BookingChange,
    actor: Actor,
) -> Result<(), Error> {
    booking_changes::insert(tx.conn(), change).await?;
    record(tx, booking, change, actor).await
}

/// Stores a step of a change and its booking, which the transaction has locked.
pub async fn update(
    tx: &Tx,
    booking: &mut Booking,
    change: &mut BookingChange,
    actor: Actor,
) -> Result<(), Error> {
    booking_changes::update(tx.conn(), change).await?;
    record(tx, booking, change, actor).await
}

/// Closes a change that cannot take place any more, because its booking or its car is gone. `false` if it is closed already.
pub async fn cancel(
    tx: &Tx,
    booking: &mut Booking,
    change: &mut BookingChange,
    actor: Actor,
) -> Result<bool, Error> {
    if booking.close_change(change, Step::Cancel, tx.now()).is_err() {
        return Ok(false);
    }
    update(tx, booking, change, actor).await?;
    Ok(true)
}

/// Applies a change after the capture of its charge, unless its booking has ended or its car was given to another one: then it is cancelled. `false`
/// if it does not wait for a payment.
pub async fn apply_paid(
    tx: &Tx,
    booking: &mut Booking,
    change: &mut BookingChange,
    actor: Actor,
) -> Result<bool, Error> {
    if change.status != ChangeStatus::AwaitingPayment {
        return Ok(false);
    }
    if !booking.can_apply_change(tx.now()) {
        return cancel(tx, booking, change, actor).await;
    }
    if is_taken(tx, booking, change).await? {
        tracing::warn!(booking_id = %booking.id, change_id = %change.id, "a paid change has lost its car");
        return cancel(tx, booking, change, Actor::Vehicle).await;
    }
    booking.apply_paid_change(change, tx.now())?;
    update(tx, booking, change, actor).await?;
    Ok(true)
}

async fn record(tx: &Tx, booking: &mut Booking, change: &BookingChange, actor: Actor) -> Result<(), Error> {
    apply_change::update(tx, booking, change.entry(booking.status), actor).await?;
    publish_changes::event(tx, booking, change)
}

/// Returns whether another live booking has the car for which the change needs it.
async fn is_taken(tx: &Tx, booking: &Booking, change: &BookingChange) -> Result<bool, Error> {
    match change.needed_period(&booking.period) {
        Some(period) => bookings::overlaps_live(tx.conn(), booking.id, change.vehicle_id, &period).await,
        None => Ok(false),
    }
}
