//! Published and consumed events.
//!
//! Events arrive late, repeatedly, and out of order across services. Every handler is a total function of the booking's
//! state and the event: [`crate::domain::transitions::reaction`].

mod on_auth;
mod on_charge;
mod on_payment;
pub(crate) mod on_vehicle;
pub mod publish;
pub mod publish_changes;
pub mod publish_claims;
pub mod publish_reviews;

use carshare_store::{Consumer, Tx};
use chrono::{DateTime, Utc};

use crate::apply_change;
use crate::domain::transitions::State;
use crate::domain::{Actor, Booking, BookingChange, BookingId, Change, ChangeId};
use crate::error::Error;
use crate::store::{booking_changes, bookings};

/// Registers the handlers of events of auth, vehicle and payment.
pub fn subscribe(consumer: Consumer) -> Consumer {
    let consumer = consumer
        .on("auth", on_auth::deleted)
        .on("payment", on_payment::completed)
        .on("payment", on_payment::failed)
        .on("payment", on_payment::refunded)
        .on("payment", on_charge::completed)
        .on("payment", on_charge::failed)
        .on("payment", on_charge::refunded)
        .on("vehicle", on_vehicle::hold_lost);
    carshare_profiles::subscribe(consumer)
}

/// Applies an event to a booking. Events of unknown bookings are ignored.
pub(crate) async fn apply(
    tx: &Tx,
    id: BookingId,
    actor: Actor,
    event: impl FnOnce(&mut Booking, DateTime<Utc>) -> Option<Change> + Send,
) -> Result<(), Error> {
    let Some(booking) = bookings::lock(tx.conn(), id).await? else {
        tracing::warn!(booking_id = %id, ?actor, "event of an unknown booking");
        return Ok(());
    };
    apply_to(tx, booking, actor, event).await
}

/// Applies an event to a booking that the transaction has locked.
async fn apply_to(
    tx: &Tx,
    mut booking: Booking,
    actor: Actor,
    event: impl FnOnce(&mut Booking, DateTime<Utc>) -> Option<Change> + Send,
) -> Result<(), Error> {
    let id = booking.id;
    let state = booking.state();
    if actor == Actor::Vehicle && state.is_live() {
        raise_alarm(tx, id, state);
    }
    let Some(change) = event(&mut booking, tx.now()) else {
        tracing::info!(booking_id = %id, ?actor, state = state.as_str(), "event without effect");
        return Ok(());
    };
    apply_change::update(tx, &mut booking, change, actor).await
}

/// Reports a live booking that has lost its car. Before the start it is cancelled; an active one goes on, because the guest
/// has the car.
fn raise_alarm(tx: &Tx, id: BookingId, state: State) {
    let state = state.as_str();
    tx.on_commit(move || {
        tracing::warn!(booking_id = %id, state, "a live booking has lost its car");
        metrics::counter!("booking_cars_lost_total", "state" => state).increment(1);
    });
}

/// Locks a booking and finds its change. `None` for unknown ones, of which events are ignored.
async fn lock_with_change(
    tx: &Tx,
    booking: BookingId,
    id: ChangeId,
) -> Result<Option<(Booking, BookingChange)>, Error> {
    let locked = bookings::lock(tx.conn(), booking).await?;
    let change = match &locked {
        Some(booking) => booking_changes::find_of(tx.conn(), booking.id, id).await?,
        None => None,
    };
    let found = locked.zip(change);
    if found.is_none() {
        tracing::warn!(booking_id = %booking, change_id = %id, "event of an unknown change");
    }
    Ok(found)
}

/// Logs an event that came after the end of its change, or before its acceptance.
fn log_without_effect(change: &BookingChange) {
    let status = change.status.as_str();
    tracing::info!(booking_id = %change.booking_id, change_id = %change.id, status, "event without effect");
}
