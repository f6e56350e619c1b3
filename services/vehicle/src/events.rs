//! Published and consumed events.

mod on_auth;
mod on_booking;
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
        .on("booking", on_booking::completed);
    carshare_profiles::subscribe(consumer)
}
