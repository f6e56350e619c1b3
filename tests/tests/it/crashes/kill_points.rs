//! The moments of the booking journey at which processes die.

use std::fmt;

use carshare_sandbox::{Fault, PaymentStatus, Provider};

/// A moment of the journey at which processes die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Vehicle is writing the hold that booking asked for.
    Holding,
    /// Booking is writing the request; the car is held.
    Requesting,
    /// The guest has the answer; nobody else knows of it yet.
    Requested,
    /// Booking is writing the approval.
    Approving,
    /// Toss was asked for the money and takes it only when the asker is long dead.
    Charging,
    /// Toss has taken the money; its answer was lost.
    Charged,
    /// Booking is writing the cancellation.
    Cancelling,
    /// Toss was asked to give the money back, and does so only when the asker is long dead.
    GivingBack,
    /// Toss has given the money back; its answer was lost.
    GivenBack,
}

/// All of them, in their order.
pub const MOMENTS: [Moment; 9] = [
    Moment::Holding,
    Moment::Requesting,
    Moment::Requested,
    Moment::Approving,
    Moment::Charging,
    Moment::Charged,
    Moment::Cancelling,
    Moment::GivingBack,
    Moment::GivenBack,
];

/// Who dies, and when.
#[derive(Clone, Copy)]
pub struct Crash<'a> {
    pub moment: Moment,
    pub victims: &'a [&'static str],
}

impl fmt::Display for Crash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}", self.victims.join(", "), self.moment)
    }
}

/// Money that moves at the provider.
pub struct Movement {
    pub path: &'static str,
    asked_at: Moment,
    pub moved_at: Moment,
    /// How the payment stands when it has moved.
    pub moved: PaymentStatus,
}

pub const CHARGE: Movement = Movement {
    path: "/v1/billing/bsbx",
    asked_at: Moment::Charging,
    moved_at: Moment::Charged,
    moved: PaymentStatus::Done,
};

pub const REFUND: Movement = Movement {
    path: "/cancel",
    asked_at: Moment::GivingBack,
    moved_at: Moment::GivenBack,
    moved: PaymentStatus::Canceled,
};

impl Movement {
    /// What has to go wrong at the provider for this moment to last.
    pub fn mishap_at(&self, moment: Moment) -> Option<Fault> {
        // Longer than a worker has a payment to itself: whoever takes over asks while the money has not moved yet.
        const SLOW_MS: u64 = 1_500;
        if moment == self.asked_at {
            Some(Fault::delay(Provider::Toss, self.path, SLOW_MS))
        } else if moment == self.moved_at {
            Some(Fault::lost_reply(Provider::Toss, self.path))
        } else {
            None
        }
    }
}
