//! A payment of a booking and its state transitions.
//!
//! ```text
//! due ──▶ unknown ──▶ completed ──▶ refunded
//!  │  ◀──────┤  ▲          ▲
//!  ▼         ▼  │          │ a late capture, which is refunded at once
//! requested ────┘        failed
//! ```
//!
//! A partial refund changes the amounts only. A payment is refunded once nothing is left of it, or once the guest has got
//! back what was owed when the booking ended.

mod booking_end;

use chrono::{DateTime, Utc};

pub use booking_end::BookingEnd;

use super::attempt::{AttemptKind, DecisionContext, NextStep};
use super::backoff;
use super::ids::{BookingId, ChargeId, GuestId, HostId, PaymentId};
use super::ledger::Posting;
use super::provider_report::PaymentSnapshot;

/// Failure code of a payment whose booking, or change of or claim after one, ended before a capture.
pub const BOOKING_CLOSED: &str = "BOOKING_CLOSED";

/// A payment of a booking: of its price, of a change of it, or of a claim after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub booking_id: BookingId,
    /// The change or claim that is charged; `None` for the price of the booking.
    pub charge_id: Option<ChargeId>,
    pub guest_id: GuestId,
    pub host_id: HostId,
    /// Order id at the provider.
    pub order_id: String,
    /// Shown on the guest's card statement.
    pub order_name: String,
    pub amount_krw: i64,
    /// The platform's share of the amount less refunds.
    pub fee_krw: i64,
    /// Taken off the amount by a coupon that the platform bears out of its share.
    pub platform_discount_krw: i64,
    /// Refunded so far.
    pub refunded_krw: i64,
    pub state: State,
    /// Number of the latest attempt, 0 before the first.
    pub last_attempt: i32,
    /// The provider's key; `None` before the capture.
    pub payment_key: Option<String>,
    /// Means of payment as named by the provider; `None` before the capture.
    pub method: Option<String>,
    pub failure_code: Option<String>,
    pub due_at: DateTime<Utc>,
    pub paid_at: Option<DateTime<Utc>>,
    /// Time of the latest payout to the host that it was part of.
    pub settled_at: Option<DateTime<Utc>>,
    pub rental_ends_at: DateTime<Utc>,
    /// Total to refund while the booking goes on, because changes of it cost less.
    pub refund_due_krw: i64,
    pub booking_end: Option<BookingEnd>,
    /// When the worker checks it next; `None` when nothing is to be done.
    pub next_check_at: Option<DateTime<Utc>>,
    /// Checks since the last definite result; determines the delay of the next one.
    pub checks: i32,
    /// Whether the payment was claimed or scheduled again since the worker claimed it: the worker's late result does not change
    /// the schedule any more. Not stored.
    pub claim_lost: bool,
    /// When the booking or the claim was approved, or the change accepted.
    pub created_at: DateTime<Utc>,
    /// Incremented by every update and claim.
    pub version: i64,
}

/// State of a payment.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// To be charged by the worker.
    Due,
    /// The guest was asked to pay in the payment window.
    Requested,
    /// An attempt is open: its result is unknown.
    Unknown,
    Completed,
    /// Declined, or the booking ended before a capture.
    Failed,
    /// Captured, and refunded in full or by what was owed when the booking ended.
    Refunded,
}

/// A worker's claim on a payment. It is lost when the version changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub id: PaymentId,
    pub version: i64,
}

/// A transition that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {} cannot {action}", state.as_str())]
pub struct WrongState {
    pub state: State,
    /// The attempted transition, as the end of the message.
    pub action: &'static str,
}

/// Effects of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    pub posting: Posting,
    /// Whether it is refunded at once, because the booking has ended.
    pub is_refunded: bool,
}

/// What a payment became when an attempt ended without a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Failed; booking has to be notified.
    PaymentFailed,
    /// Failed because its booking has ended.
    BookingEnded,
    /// Still payable.
    Continues,
}

impl Payment {
    /// Returns the claim that was read with the payment.
    pub fn claim(&self) -> Claim {
        Claim {
            id: self.id,
            version: self.version,
        }
    }

    /// Returns whether the provider may be asked for money: the booking has not ended and the payment is not overdue.
    pub fn may_charge(&self, now: DateTime<Utc>) -> bool {
        self.booking_end.is_none() && now < self.due_at
    }

    /// Returns what decisions about attempts depend on.
    pub fn decision_context(&self, now: DateTime<Utc>) -> DecisionContext<'_> {
        DecisionContext {
            order_id: &self.order_id,
            amount_krw: self.amount_krw,
            may_charge: self.may_charge(now),
            now,
        }
    }

    /// Begins an attempt, whose result is looked up at `check_at` at the latest, and returns its number.
    pub fn begin_attempt(
        &mut self,
        kind: &AttemptKind,
        now: DateTime<Utc>,
        check_at: DateTime<Utc>,
    ) -> Result<i32, WrongState> {
        match (self.state, kind) {
            (State::Due, _) | (State::Requested, AttemptKind::Checkout { .. }) if self.may_charge(now) => {
                self.state = State::Unknown;
                self.last_attempt += 1;
                self.next_check_at = Some(check_at);
                Ok(self.last_attempt)
            }
            _ => Err(self.wrong_state("be attempted")),
        }
    }

    /// Waits for the guest to pay in the payment window, because they have no card on file.
    pub fn request(&mut self) -> Result<(), WrongState> {
        if self.state != State::Due {
            return Err(self.wrong_state("be requested"));
        }
        self.state = State::Requested;
        self.stop_checking();
        Ok(())
    }

    /// Records the capture. Accepted in every state but the captured ones, because the provider already has the money.
    pub fn capture(
        &mut self,
        snapshot: &PaymentSnapshot,
        paid_at: DateTime<Utc>,
    ) -> Result<Capture, WrongState> {
        let refund = match self.state {
            State::Due | State::Requested | State::Unknown => self.booking_end.is_some(),
            State::Failed => true,
            State::Completed | State::Refunded => return Err(self.wrong_state("be captured again")),
        };
        self.state = State::Completed;
        self.payment_key = Some(snapshot.payment_key.clone());
        self.method.clone_from(&snapshot.method);
        self.failure_code = None;
        self.paid_at = Some(paid_at);
        self.stop_checking();
        if let (true, Some(end)) = (refund, &mut self.booking_end) {
            // Its amount presumed that nothing was captured.
            end.refund_krw = None;
        }
        Ok(Capture {
            posting: Posting {
                host: self.host_id,
                gross_krw: self.amount_krw,
                fee_krw: self.fee_krw,
            },
            is_refunded: refund,
        })
    }

    /// Ends the open attempt without a capture.
    pub fn end_attempt(
        &mut self,
        next: NextStep,
        code: &str,
        now: DateTime<Utc>,
    ) -> Result<AttemptEnd, WrongState> {
        if self.state != State::Unknown {
            return Err(self.wrong_state("end an attempt"));
        }
        if self.booking_end.is_some() {
            self.fail(BOOKING_CLOSED);
            return Ok(AttemptEnd::BookingEnded);
        }
        match next {
            NextStep::Fail => {
                self.fail(code);
                return Ok(AttemptEnd::PaymentFailed);
            }
            NextStep::RequestPayment => {
                self.state = State::Requested;
                self.stop_checking();
            }
            NextStep::Retry => {
                self.state = State::Due;
                self.check_later(now);
            }
            NextStep::RetryOtherMethod => {
                self.state = State::Due;
                self.schedule(Some(now));
            }
        }
        Ok(AttemptEnd::Continues)
    }

    /// Schedules another check, with exponential backoff.
    pub fn check_later(&mut self, now: DateTime<Utc>) {
        self.schedule(Some(now + backoff::delay(self.checks)));
        self.checks = self.checks.saturating_add(1);
    }

    /// Cancels the scheduled check and resets the backoff.
    pub fn stop_checking(&mut self) {
        self.schedule(None);
        self.checks = 0;
    }

    /// Schedules the next check, unless the claim is lost.
    pub fn schedule(&mut self, next_check_at: Option<DateTime<Utc>>) {
        if !self.claim_lost {
            self.next_check_at = next_check_at;
        }
    }

    fn fail(&mut self, code: &str) {
        self.state = State::Failed;
        self.failure_code = Some(code.to_owned());
        self.stop_checking();
    }

    fn wrong_state(&self, action: &'static str) -> WrongState {
        WrongState {
            state: self.state,
            action,
        }
    }
}

impl State {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests;
