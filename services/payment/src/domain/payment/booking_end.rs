//! The end of a booking, and refunds.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{BOOKING_CLOSED, Payment, State, WrongState};
use crate::domain::ledger::Posting;
use crate::domain::money::fee_of;
use crate::domain::refund::Origin;

/// The end of a booking before its ride: rejected, expired or cancelled. Or of a change of a booking that does not take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookingEnd {
    pub at: DateTime<Utc>,
    /// Total to refund of what is captured, including earlier refunds; `None` = everything.
    pub refund_krw: Option<i64>,
}

impl Payment {
    /// Returns the captured amount less refunds.
    pub fn balance_krw(&self) -> i64 {
        match self.state {
            State::Completed | State::Refunded => self.amount_krw - self.refunded_krw,
            State::Due | State::Requested | State::Unknown | State::Failed => 0,
        }
    }

    /// Returns what remains to be refunded for this reason: what the end of the booking requires, which is everything of a capture after the
    /// payment had failed, or while the booking goes on what changes of it require. Earlier refunds count, also those made at the provider, in
    /// whatever order they become known.
    pub fn owed_krw(&self, origin: Origin) -> i64 {
        let total = match (origin, self.booking_end) {
            (Origin::BookingChange, None) => self.refund_due_krw,
            (_, end) => {
                let at_end = end.and_then(|end| end.refund_krw).unwrap_or(self.amount_krw);
                at_end.max(self.refund_due_krw)
            }
        };
        (total - self.refunded_krw).clamp(0, self.balance_krw())
    }

    /// Records the end of the booking. Only the first end has an effect.
    pub fn end_booking(&mut self, end: BookingEnd) {
        if self.booking_end.is_some() {
            return;
        }
        self.booking_end = Some(end);
        match self.state {
            State::Due | State::Requested => self.fail(BOOKING_CLOSED),
            State::Unknown | State::Failed | State::Completed | State::Refunded => {}
        }
    }

    /// Raises the total that changes of the booking require to refund. A lower one is older and has no effect.
    pub fn lower(&mut self, refund_due_krw: i64) {
        self.refund_due_krw = self.refund_due_krw.max(refund_due_krw.min(self.amount_krw));
    }

    /// Records a refund of `amount_krw` and recomputes the shares: the platform keeps the fee of the remaining balance, and
    /// host and platform bear the rest. It keeps none of a charge that has no fee, and bears its discount of what is left.
    pub fn refund(&mut self, amount_krw: i64) -> Result<Posting, WrongState> {
        if amount_krw <= 0 || amount_krw > self.balance_krw() {
            return Err(self.wrong_state("be refunded by this amount"));
        }
        let owed = self.booking_end.is_some() && self.owed_krw(Origin::BookingEnd) > 0;
        self.refunded_krw += amount_krw;
        if self.refunded_krw == self.amount_krw || owed && self.owed_krw(Origin::BookingEnd) == 0 {
            self.state = State::Refunded;
        }
        let undiscounted_krw = self.amount_krw - self.refunded_krw + self.platform_discount_krw;
        let fee_krw = (fee_of(undiscounted_krw) - self.platform_discount_krw).clamp(0, self.fee_krw);
        let fee_change_krw = fee_krw - std::mem::replace(&mut self.fee_krw, fee_krw);
        Ok(Posting {
            host: self.host_id,
            gross_krw: -amount_krw,
            fee_krw: fee_change_krw,
        })
    }

    /// Returns until when the payment is reconciled with the provider regularly: for `window` after the end of the booking
    /// or of the rental.
    pub fn reconciled_until(&self, window: Duration) -> DateTime<Utc> {
        let end = self
            .booking_end
            .map_or(self.rental_ends_at.max(self.created_at), |end| end.at);
        end + window
    }
}

#[cfg(test)]
mod tests;
