//! The end of a booking, and refunds.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{BOOKING_CLOSED, Payment, State, WrongState};
use crate::domain::ledger::Posting;
use crate::domain::money::fee_of;

/// The end of a booking before its ride: rejected, expired or cancelled.
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

    /// Returns what remains to be refunded of the amount that the end of the booking requires. Refunds made at the provider
    /// count, in whatever order they and the end become known.
    pub fn owed_krw(&self) -> i64 {
        let total = self
            .booking_end
            .and_then(|end| end.refund_krw)
            .unwrap_or(self.amount_krw);
        (total - self.refunded_krw).clamp(0, self.balance_krw())
    }

    /// Records the end of the booking and returns the amount to refund. Only the first end has an effect.
    pub fn end_booking(&mut self, end: BookingEnd) -> Option<i64> {
        if self.booking_end.is_some() {
            return None;
        }
        self.booking_end = Some(end);
        match self.state {
            State::Due | State::Requested => {
                self.fail(BOOKING_CLOSED);
                None
            }
            State::Unknown | State::Failed => None,
            State::Completed | State::Refunded => Some(self.owed_krw()).filter(|owed| *owed > 0),
        }
    }

    /// Records a refund of `amount_krw` and recomputes the shares: the platform keeps the fee of the remaining balance, and
    /// host and platform bear the rest.
    pub fn refund(&mut self, amount_krw: i64) -> Result<Posting, WrongState> {
        if amount_krw <= 0 || amount_krw > self.balance_krw() {
            return Err(self.wrong_state("be refunded by this amount"));
        }
        let owed = self.booking_end.is_some() && self.owed_krw() > 0;
        self.refunded_krw += amount_krw;
        if self.refunded_krw == self.amount_krw || owed && self.owed_krw() == 0 {
            self.state = State::Refunded;
        }
        let fee_krw = fee_of(self.amount_krw - self.refunded_krw);
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
