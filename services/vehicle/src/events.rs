//! What the service tells others and what it hears from them.

mod on_booking;
mod on_user;
pub mod publish;

use carshare_chassis::config::Redis;
use carshare_proto::auth::v1::{UserRegistered, UserUpdated};
use carshare_proto::booking::v1::{
    BookingCancelled, BookingCompleted, BookingExpired, BookingRejected, BookingRequested,
};
use carshare_store::{Consumer, Db};
use futures::FutureExt as _;

use crate::NAME;

/// The consumer of everything this service listens to.
pub fn consumer(db: &Db, redis: &Redis) -> Consumer {
    Consumer::new(db, redis, NAME)
        .on("booking", |tx, _, event: &BookingRequested| {
            on_booking::requested(tx, event).boxed()
        })
        .on("booking", |tx, _, event: &BookingRejected| {
            on_booking::released(tx, &event.booking_id).boxed()
        })
        .on("booking", |tx, _, event: &BookingExpired| {
            on_booking::released(tx, &event.booking_id).boxed()
        })
        .on("booking", |tx, _, event: &BookingCancelled| {
            on_booking::released(tx, &event.booking_id).boxed()
        })
        .on("booking", |tx, meta, event: &BookingCompleted| {
            on_booking::completed(tx, meta, event).boxed()
        })
        .on("auth", |tx, meta, event: &UserRegistered| {
            on_user::told(tx, meta, event.profile.as_ref()).boxed()
        })
        .on("auth", |tx, meta, event: &UserUpdated| {
            on_user::told(tx, meta, event.profile.as_ref()).boxed()
        })
}
