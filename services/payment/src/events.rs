//! Events of other services and our own.
//!
//! In: `booking.approved` makes a payment; `booking.rejected`, `.expired` and `.cancelled` end it. They may come twice, late,
//! or the end before the beginning. Out: [`publish`].

mod on_booking_approved;
mod on_booking_closed;
pub mod publish;

use carshare_chassis::config::Redis;
use carshare_proto::booking::v1 as booking;
use carshare_store::Consumer;
use futures::FutureExt as _;

use crate::App;

/// The consumer of booking's events.
pub fn consumer(app: &App, redis: &Redis) -> Consumer {
    let [approved, rejected, expired, cancelled] = [(); 4].map(|()| app.wakes.clone());
    Consumer::new(&app.db, redis, "payment")
        .on("booking", move |tx, _, event: &booking::BookingApproved| {
            on_booking_approved::handle(tx, event, approved.clone()).boxed()
        })
        .on("booking", move |tx, _, event: &booking::BookingRejected| {
            on_booking_closed::on_rejected(tx, event, rejected.clone()).boxed()
        })
        .on("booking", move |tx, _, event: &booking::BookingExpired| {
            on_booking_closed::on_expired(tx, event, expired.clone()).boxed()
        })
        .on("booking", move |tx, _, event: &booking::BookingCancelled| {
            on_booking_closed::on_cancelled(tx, event, cancelled.clone()).boxed()
        })
}
