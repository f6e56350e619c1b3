//! Events: handlers of booking's and auth's, and publishing this service's own.
//!
//! `booking.approved` creates a payment; `booking.rejected`, `.expired` and `.cancelled` end it. They may be delivered
//! repeatedly, late, or the end before the approval. `user.deleted` deletes the cards of the guest.

mod on_booking_approved;
mod on_booking_closed;
mod on_user_deleted;
pub mod publish;

use carshare_store::Consumer;

/// Registers the handlers.
pub fn handlers(consumer: Consumer) -> Consumer {
    consumer
        .on("auth", on_user_deleted::handle)
        .on("booking", on_booking_approved::handle)
        .on("booking", on_booking_closed::rejected)
        .on("booking", on_booking_closed::expired)
        .on("booking", on_booking_closed::cancelled)
}
