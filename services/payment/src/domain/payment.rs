//! The payment of a booking and every transition it can make.
//!
//! ```text
//! due ──▶ unknown ──▶ completed ──▶ refunded
//!  │  ◀──────┤  ▲          ▲
//!  ▼         ▼  │          │ a capture nobody hoped for any more; it goes back at once
//! requested ────┘        failed
//! ```

use chrono::{DateTime, Utc};

use super::attempt::{Kind, Next, Terms};
use super::backoff;
use super::finding::Report;
use super::ids::{BookingId, GuestId, HostId, PaymentId};
use super::ledger::Movement;
use super::money::fee_of;

/// Failure code of a payment whose booking ended before anything was taken.
pub const BOOKING_CLOSED: &str = "BOOKING_CLOSED";

/// The money of one booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Its booking.
    pub booking_id: BookingId,
    /// Who pays.
    pub guest_id: GuestId,
    /// Who earns.
    pub host_id: HostId,
    /// Order id at the provider.
    pub order_id: String,
    /// What the guest reads on the statement.
    pub order_name: String,
    /// Won owed.
    pub amount_krw: i64,
    /// The platform's share of what is kept.
    pub fee_krw: i64,
    /// Won given back.
    pub refunded_krw: i64,
    /// Where it stands.
    pub state: State,
    /// Number of the latest attempt.
    pub last_attempt: i32,
    /// The provider's key, once captured.
    pub payment_key: Option<String>,
    /// How it was paid, once captured.
    pub method: Option<String>,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// The guest pays until then.
    pub due_at: DateTime<Utc>,
    /// Captured then.
    pub paid_at: Option<DateTime<Utc>>,
    /// Set when the booking is over.
    pub closing: Option<Closing>,
    /// When the worker looks at it next.
    pub next_check_at: Option<DateTime<Utc>>,
    /// Checks since the last definite answer.
    pub checks: i32,
    /// Whether the look that is under way is to be followed by another.
    pub recheck: bool,
    /// When the booking was approved.
    pub created_at: DateTime<Utc>,
    /// Raised by every update.
    pub version: i64,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// To be charged.
    Due,
    /// The guest was asked to pay in the window.
    Requested,
    /// An attempt was begun and its outcome is not known.
    Unknown,
    /// Captured.
    Completed,
    /// Declined, or called off before anything was taken.
    Failed,
    /// Captured, and given back in full or in part.
    Refunded,
}

/// The end of a booking, as far as money is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// When.
    pub at: DateTime<Utc>,
    /// Won to give back of what is captured; `None` = everything.
    pub refund_krw: Option<i64>,
}

/// A transition that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {} cannot {action}", state.as_str())]
pub struct WrongState {
    /// The state it is in.
    pub state: State,
    /// What was tried.
    pub action: &'static str,
}

/// What a capture brings with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// For the books.
    pub movement: Movement,
    /// Won that go back at once, because the booking is over.
    pub refund_krw: Option<i64>,
}

/// What the end of an attempt without money brings with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The payment failed and its booking does not know.
    Failed,
    /// The payment failed because its booking is over.
    CalledOff,
    /// Another way is open.
    GoesOn,
}

impl Payment {
    /// Whether the provider may be asked for money: the booking lives and the money is not overdue.
    pub fn may_call(&self, now: DateTime<Utc>) -> bool {
        self.closing.is_none() && now < self.due_at
    }

    /// What attempts are judged by.
    pub fn terms(&self, now: DateTime<Utc>) -> Terms<'_> {
        Terms {
            order_id: &self.order_id,
            amount_krw: self.amount_krw,
            may_call: self.may_call(now),
            now,
        }
    }

    /// Won captured and not given back.
    pub fn balance_krw(&self) -> i64 {
        match self.state {
            State::Completed | State::Refunded => self.amount_krw - self.refunded_krw,
            State::Due | State::Requested | State::Unknown | State::Failed => 0,
        }
    }

    /// An attempt begins, looked after at `check_at`. Its number is returned.
    pub fn begin(
        &mut self,
        kind: &Kind,
        now: DateTime<Utc>,
        check_at: DateTime<Utc>,
    ) -> Result<i32, WrongState> {
        match (self.state, kind) {
            (State::Due, _) | (State::Requested, Kind::Window { .. }) if self.may_call(now) => {
                self.state = State::Unknown;
                self.last_attempt += 1;
                self.next_check_at = Some(check_at);
                Ok(self.last_attempt)
            }
            _ => Err(self.wrong("be attempted")),
        }
    }

    /// There is no card to charge: the guest is asked.
    pub fn request(&mut self) -> Result<(), WrongState> {
        match self.state {
            State::Due => {
                self.state = State::Requested;
                self.rest();
                Ok(())
            }
            _ => Err(self.wrong("be requested")),
        }
    }

    /// The money is taken. Every state but a captured one accepts it: it is a fact, hoped for or not.
    pub fn capture(&mut self, report: &Report, paid_at: DateTime<Utc>) -> Result<Capture, WrongState> {
        let unwanted = match self.state {
            State::Due | State::Requested | State::Unknown => self.closing.is_some(),
            State::Failed => true,
            State::Completed | State::Refunded => return Err(self.wrong("be captured again")),
        };
        self.state = State::Completed;
        self.payment_key = Some(report.payment_key.clone());
        self.method.clone_from(&report.method);
        self.failure_code = None;
        self.paid_at = Some(paid_at);
        self.rest();
        let movement = Movement {
            host: self.host_id,
            gross_krw: self.amount_krw,
            fee_krw: self.fee_krw,
        };
        Ok(Capture {
            movement,
            refund_krw: unwanted.then_some(self.amount_krw),
        })
    }

    /// The attempt ended without money.
    pub fn end_attempt(&mut self, next: Next, code: &str, now: DateTime<Utc>) -> Result<Ended, WrongState> {
        if self.state != State::Unknown {
            return Err(self.wrong("end an attempt"));
        }
        if self.closing.is_some() {
            self.fail(BOOKING_CLOSED);
            return Ok(Ended::CalledOff);
        }
        match next {
            Next::Fail => {
                self.fail(code);
                return Ok(Ended::Failed);
            }
            Next::AskGuest => {
                self.state = State::Requested;
                self.rest();
            }
            Next::TryAgain => {
                self.state = State::Due;
                self.look_again(now);
            }
            Next::TryOtherMethod => {
                self.state = State::Due;
                self.next_check_at = Some(now);
            }
        }
        Ok(Ended::GoesOn)
    }

    /// Nothing is known yet: look again after a pause that grows.
    pub fn look_again(&mut self, now: DateTime<Utc>) {
        self.next_check_at = Some(now + backoff::pause(self.checks));
        self.checks = self.checks.saturating_add(1);
    }

    /// Nothing is left to do until something happens.
    pub fn rest(&mut self) {
        if !self.recheck {
            self.next_check_at = None;
        }
        self.checks = 0;
    }

    /// The booking is over. The first closing counts. Returns the won that are owed back because of it.
    pub fn close(&mut self, closing: Closing) -> Option<i64> {
        if self.closing.is_some() {
            return None;
        }
        self.closing = Some(closing);
        match self.state {
            State::Due | State::Requested => {
                self.fail(BOOKING_CLOSED);
                None
            }
            State::Unknown | State::Failed => None,
            State::Completed | State::Refunded => {
                let balance = self.balance_krw();
                Some(closing.refund_krw.unwrap_or(balance).min(balance)).filter(|owed| *owed > 0)
            }
        }
    }

    /// Money went back to the guest. The shares are recomputed from what is kept.
    pub fn give_back(&mut self, amount_krw: i64) -> Result<Movement, WrongState> {
        if amount_krw <= 0 || amount_krw > self.balance_krw() {
            return Err(self.wrong("give back more than it has"));
        }
        self.state = State::Refunded;
        self.refunded_krw += amount_krw;
        let fee_krw = fee_of(self.amount_krw - self.refunded_krw);
        let change_krw = fee_krw - self.fee_krw;
        self.fee_krw = fee_krw;
        Ok(Movement {
            host: self.host_id,
            gross_krw: -amount_krw,
            fee_krw: change_krw,
        })
    }

    fn fail(&mut self, code: &str) {
        self.state = State::Failed;
        self.failure_code = Some(code.to_owned());
        self.rest();
    }

    fn wrong(&self, action: &'static str) -> WrongState {
        WrongState {
            state: self.state,
            action,
        }
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Due,
        Self::Requested,
        Self::Unknown,
        Self::Completed,
        Self::Failed,
        Self::Refunded,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Requested => "requested",
            Self::Unknown => "unknown",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
        }
    }

    /// The state of a word of the database.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

#[cfg(test)]
mod tests;
