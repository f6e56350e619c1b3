//! Whether the end of a booking gives its coupon back to the guest.

use super::Booking;
use crate::domain::{CancellationReason, PaymentStatus, Status};

impl Booking {
    /// Returns whether the change from this status ends the booking in a way that releases the redemption of its coupon: it was never paid,
    /// or the guest does not answer for its end. A guest who cancels a paid booking, or does not take the car, has used the coupon.
    pub fn releases_coupon(&self, from: Status) -> bool {
        if from == self.status || self.price.coupon().is_none() {
            return false;
        }
        let reason = self.cancellation.as_ref().map(|cancellation| cancellation.reason);
        match reason {
            None => self.status == Status::Rejected,
            Some(CancellationReason::Guest | CancellationReason::NoShow) => {
                self.payment_status != PaymentStatus::Paid
            }
            Some(
                CancellationReason::Host
                | CancellationReason::Expired
                | CancellationReason::PaymentFailed
                | CancellationReason::PaymentOverdue
                | CancellationReason::HoldLost,
            ) => true,
        }
    }
}
