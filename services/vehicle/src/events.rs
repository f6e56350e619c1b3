//! Published and consumed events.

mod on_auth;
mod on_booking;
mod on_booking_change;
mod on_review;
pub mod publish;

use carshare_store::Consumer;

/// Registers the handlers of events of booking and auth.
pub fn subscribe(consumer: Consumer) -> Consumer {
    let consumer = consumer
        .on("auth", on_auth::deleted)
        .on("booking", on_booking::requested)
        .on("booking", on_booking::rejected)
        .on("booking", on_booking::expired)
        .on("booking", on_booking::cancelled)
        .on("booking", on_booking::completed)
        .on("booking", on_booking_change::accepted)
        .on("booking", on_booking_change::applied)
        .on("booking", on_booking_change::closed)
        .on("booking", on_review::posted)
        .on("booking", on_review::hidden)
        .on("booking", on_review::restored);
    carshare_profiles::subscribe(consumer)
}
