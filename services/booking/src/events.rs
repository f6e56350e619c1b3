//! Events out ([`publish`]) and in: what the other services tell, and what it means for a booking.
//!
//! Events come late, twice and out of order across services. Every handler is a total function of where the booking stands
//! and the event; the table is [`crate::domain::booking::reaction`].

mod on_payment;
mod on_vehicle;
pub mod publish;

use carshare_store::{Consumer, Tx};

use crate::apply_change::{self, Actor};
use crate::domain::{BookingId, ExternalEvent};
use crate::error::Error;
use crate::rpc::convert;
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

/// Lets a booking hear news. ExternalEvent of a booking that is not here is none of ours and is passed over.
async fn apply(tx: &Tx, booking_id: &str, news: ExternalEvent, from: Actor) -> Result<(), Error> {
    let id: BookingId = convert::booking_id(booking_id)?;
    let Some(mut booking) = bookings::lock(tx.conn(), id).await? else {
        tracing::warn!(booking_id = %id, ?news, "news of a booking that is not here");
        return Ok(());
    };
    let Some(change) = booking.apply(news, tx.now()) else {
        tracing::info!(booking_id = %id, ?news, status = booking.status.as_str(), "news that changes nothing");
        return Ok(());
    };
    apply_change::update(tx, &mut booking, change, from).await
}
