//! The points of the booking journey at which processes are killed.

use std::fmt;

use carshare_sandbox::{Fault, PaymentStatus, Provider};

use super::kill::Kill;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPoint {
    /// Vehicle inserts the hold that booking has asked for.
    PlacingHold,
    /// Booking inserts the request; the car is held.
    InsertingBooking,
    /// The guest has the response; no other service has the event.
    Requested,
    /// Booking updates the booking to approved.
    Approving,
    /// Toss has the request and captures only after the caller was killed.
    Charging,
    /// Toss has captured; its response is lost.
    Charged,
    /// Booking updates the booking to cancelled.
    Cancelling,
    /// Toss has the request and refunds only after the caller was killed.
    Refunding,
    /// Toss has refunded; its response is lost.
    Refunded,
}

/// In the order of the journey.
pub const KILL_POINTS: [KillPoint; 9] = [
    KillPoint::PlacingHold,
    KillPoint::InsertingBooking,
    KillPoint::Requested,
    KillPoint::Approving,
    KillPoint::Charging,
    KillPoint::Charged,
    KillPoint::Cancelling,
    KillPoint::Refunding,
    KillPoint::Refunded,
];

/// A kill at a point of the journey.
#[derive(Clone, Copy)]
pub struct Crash<'a> {
    pub kill_point: KillPoint,
    pub kill: Kill<'a>,
}

impl fmt::Display for Crash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services = self.kill.services.join(", ");
        write!(f, "{:?} of {services} at {:?}", self.kill.scope, self.kill_point)
    }
}

/// A call to the provider that moves money.
pub struct ProviderCall {
    pub path: &'static str,
    requested_at: KillPoint,
    pub moved_at: KillPoint,
    /// State of the payment after the movement.
    pub moved: PaymentStatus,
}

pub const CHARGE: ProviderCall = ProviderCall {
    path: "/v1/billing/bsbx",
    requested_at: KillPoint::Charging,
    moved_at: KillPoint::Charged,
    moved: PaymentStatus::Done,
};

pub const REFUND: ProviderCall = ProviderCall {
    path: "/cancel",
    requested_at: KillPoint::Refunding,
    moved_at: KillPoint::Refunded,
    moved: PaymentStatus::Canceled,
};

impl ProviderCall {
    /// The fault of the provider that keeps the call at this point.
    pub fn fault_at(&self, kill_point: KillPoint) -> Option<Fault> {
        // Longer than the claim on a payment: the next worker asks before the money has moved.
        const DELAY_MS: u64 = 1_500;
        if kill_point == self.requested_at {
            Some(Fault::delay(Provider::Toss, self.path, DELAY_MS))
        } else if kill_point == self.moved_at {
            Some(Fault::lost_reply(Provider::Toss, self.path))
        } else {
            None
        }
    }
}
