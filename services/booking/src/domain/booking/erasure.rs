//! Erasure of what a deleted account has written in a booking. The terms, the times and the ids of both sides stay: the record of a contract.

use super::Booking;
use crate::domain::{CancellationReason, Party};

impl Booking {
    /// Erases the messages that this party has written.
    pub fn erase_messages_of(&mut self, party: Party) {
        let (message, reason) = match party {
            Party::Guest => (&mut self.guest_message, CancellationReason::Guest),
            Party::Host => (&mut self.host_response, CancellationReason::Host),
        };
        *message = None;
        if let Some(cancellation) = self.cancellation.as_mut().filter(|c| c.reason == reason) {
            cancellation.message = None;
        }
    }
}
