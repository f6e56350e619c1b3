//! What a cancellation would refund, before it is made.

use chrono::{DateTime, Utc};

use super::Booking;
use crate::domain::policy::Step;
use crate::domain::transitions::State;
use crate::domain::{Party, Refusal};

/// What a cancellation would refund now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancellationQuote {
    pub refund_krw: i64,
    /// Captured and not refunded.
    pub kept_krw: i64,
    /// The step of the policy that applies to the guest's cancellation of a paid booking; `None` after the last one.
    pub step: Option<Step>,
    /// Won of the coupon that the guest gets.
    pub compensation_krw: i64,
    /// Until when it holds, unless the booking changes.
    pub valid_until: DateTime<Utc>,
}

impl Booking {
    /// Returns what [`Booking::cancel`] would refund, or its refusal.
    pub fn quote_cancellation(&self, by: Party, now: DateTime<Utc>) -> Result<CancellationQuote, Refusal> {
        let mut cancelled = self.clone();
        let _ = cancelled.cancel(by, None, now)?;
        let compensation_krw = cancelled.compensation_krw();
        let refund_krw = cancelled
            .cancellation
            .map_or(0, |cancellation| cancellation.refund_krw);
        let is_by_policy = self.state() == State::Confirmed && by == Party::Guest;
        let step = self
            .policy
            .step(self.period.start() - now)
            .filter(|_| is_by_policy);
        let valid_until = match (self.state(), step) {
            (State::Pending, _) => self.respond_by,
            (State::AwaitingPayment, _) => self.payment_due_at.unwrap_or(self.period.start()),
            (_, Some(step)) => step.until(self.period.start()),
            (_, None) => self.period.end(),
        };
        Ok(CancellationQuote {
            refund_krw,
            kept_krw: self.captured_krw() - refund_krw,
            step: step.copied(),
            compensation_krw,
            valid_until,
        })
    }
}
