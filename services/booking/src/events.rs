//! Published and consumed events.
//!
//! Events arrive late, repeatedly, and out of order across services. Every handler is a total function of the booking's
//! state and the event: [`crate::domain::transitions::reaction`].

mod on_payment;
mod on_vehicle;
pub mod publish;

use carshare_store::{Consumer, Tx};

use crate::apply_change::{self, Actor};
use crate::domain::{BookingId, ExternalEvent};
use crate::error::Error;
use crate::store::bookings;

/// Registers the handlers of events of auth, vehicle and payment.
pub fn subscribe(consumer: Consumer) -> Consumer {
    let consumer = consumer
        .on("payment", on_payment::completed)
        .on("payment", on_payment::failed)
        .on("payment", on_payment::refunded)
        .on("vehicle", on_vehicle::hold_lost);
    carshare_profiles::subscribe(consumer)
}

/// Applies an event to a booking. Events of unknown bookings are ignored.
async fn apply(tx: &Tx, booking_id: &str, event: ExternalEvent, actor: Actor) -> Result<(), Error> {
    let id = BookingId::parse("booking_id", booking_id)?;
    let Some(mut booking) = bookings::lock(tx.conn(), id).await? else {
        tracing::warn!(booking_id = %id, ?event, "event of an unknown booking");
        return Ok(());
    };
    let Some(change) = booking.apply(event, tx.now()) else {
        tracing::info!(booking_id = %id, ?event, status = booking.status.as_str(), "event without effect");
        return Ok(());
    };
    apply_change::update(tx, &mut booking, change, actor).await
}
