//! Events of other services and our own.
//!
//! In: `booking.approved` makes a payment; `booking.rejected`, `.expired` and `.cancelled` end it. They may come twice, late,
//! or the end before the beginning. Out: [`publish`].

mod on_booking_approved;
mod on_booking_closed;
pub mod publish;

use carshare_chassis::config::Redis;
use carshare_store::Consumer;

use crate::App;

/// The consumer of booking's events.
pub fn consumer(app: &App, redis: &Redis) -> Consumer {
    Consumer::new(&app.db, redis, "payment")
        .on("booking", on_booking_approved::handle)
        .on("booking", on_booking_closed::on_rejected)
        .on("booking", on_booking_closed::on_expired)
        .on("booking", on_booking_closed::on_cancelled)
}
