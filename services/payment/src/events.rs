//! Events: handlers of booking's and auth's, and publishing this service's own.
//!
//! `booking.approved`, `.change_accepted` and `.claim_approved` create payments; `booking.rejected`, `.expired`, `.cancelled`, `.change_closed`
//! and `.claim_closed` end them, and `.change_applied` may refund a part. They may be delivered repeatedly, late, or the end before the approval. `user.deleted` deletes the
//! cards of the guest.

mod on_charge_due;
mod on_charges_settled;
mod on_user_deleted;
pub mod publish;
pub mod publish_settlements;

use carshare_store::Consumer;

/// Registers the handlers.
pub fn handlers(consumer: Consumer) -> Consumer {
    consumer
        .on("auth", on_user_deleted::handle)
        .on("booking", on_charge_due::approved)
        .on("booking", on_charge_due::change_accepted)
        .on("booking", on_charge_due::claim_approved)
        .on("booking", on_charges_settled::rejected)
        .on("booking", on_charges_settled::expired)
        .on("booking", on_charges_settled::cancelled)
        .on("booking", on_charges_settled::change_applied)
        .on("booking", on_charges_settled::change_closed)
        .on("booking", on_charges_settled::claim_closed)
}
