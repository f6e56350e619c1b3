//! Events: handlers that turn the events of the mesh into notifications. The service publishes none.

mod notify;
mod session_ended;
mod user_deleted;

use carshare_proto::auth::v1 as auth;
use carshare_proto::booking::v1 as booking;
use carshare_proto::payment::v1 as payment;
use carshare_proto::vehicle::v1 as vehicle;
use carshare_store::Consumer;

use notify::notify;
use session_ended::session_ended;
use user_deleted::user_deleted;

/// Registers a handler for every event.
pub fn handlers(consumer: Consumer) -> Consumer {
    consumer
        .on("auth", notify::<auth::UserRegistered>)
        .on("auth", notify::<auth::UserUpdated>)
        .on("auth", session_ended)
        .on("auth", user_deleted)
        .on("vehicle", notify::<vehicle::VehicleRegistered>)
        .on("vehicle", notify::<vehicle::VehicleActivated>)
        .on("vehicle", notify::<vehicle::VehicleUpdated>)
        .on("vehicle", notify::<vehicle::VehicleWithdrawn>)
        .on("vehicle", notify::<vehicle::VehicleHoldLost>)
        .on("booking", notify::<booking::BookingRequested>)
        .on("booking", notify::<booking::BookingApproved>)
        .on("booking", notify::<booking::BookingRejected>)
        .on("booking", notify::<booking::BookingExpired>)
        .on("booking", notify::<booking::BookingConfirmed>)
        .on("booking", notify::<booking::BookingCancelled>)
        .on("booking", notify::<booking::BookingCompensated>)
        .on("booking", notify::<booking::BookingStarted>)
        .on("booking", notify::<booking::BookingCompleted>)
        .on("booking", notify::<booking::BookingChangeRequested>)
        .on("booking", notify::<booking::BookingChangeAccepted>)
        .on("booking", notify::<booking::BookingChangeApplied>)
        .on("booking", notify::<booking::BookingChangeClosed>)
        .on("booking", notify::<booking::BookingClaimFiled>)
        .on("booking", notify::<booking::BookingClaimObjected>)
        .on("booking", notify::<booking::BookingClaimApproved>)
        .on("booking", notify::<booking::BookingClaimPaid>)
        .on("booking", notify::<booking::BookingClaimClosed>)
        .on("booking", notify::<booking::ReviewPosted>)
        .on("booking", notify::<booking::ReviewHidden>)
        .on("booking", notify::<booking::ReviewRestored>)
        .on("payment", notify::<payment::PaymentRequested>)
        .on("payment", notify::<payment::PaymentCompleted>)
        .on("payment", notify::<payment::PaymentFailed>)
        .on("payment", notify::<payment::PaymentRefunded>)
        .on("payment", notify::<payment::ChargeCompleted>)
        .on("payment", notify::<payment::ChargeFailed>)
        .on("payment", notify::<payment::ChargeRefunded>)
        .on("payment", notify::<payment::SettlementCreated>)
        .on("payment", notify::<payment::SettlementPaid>)
}
