//! Money on its way back to the guest.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::backoff;
use super::finding::{Cancel, Refusal, Verdict};
use super::ids::{PaymentId, RefundId};

/// A refund of (a part of) a captured payment. Its row is written before the provider is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// Of this payment.
    pub payment_id: PaymentId,
    /// Won.
    pub amount_krw: i64,
    /// Why.
    pub origin: Origin,
    /// Where it stands.
    pub state: RefundState,
    /// Number of the latest call, 0 before the first.
    pub attempt: i32,
    /// Whether the provider answered under the latest idempotency key.
    pub key_spent: bool,
    /// The provider's key of the cancel, once done.
    pub transaction_key: Option<String>,
    /// The latest refusal.
    pub code: Option<String>,
    /// When the worker looks at it next.
    pub next_check_at: Option<DateTime<Utc>>,
    /// Checks since it was made.
    pub checks: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The booking is over.
    Closing,
    /// It was given back at the provider, by a person there; we only book it.
    Provider,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// To be asked for.
    Due,
    /// Asked for, outcome not known.
    Unknown,
    /// The money is back.
    Done,
    /// Nothing was left to give back.
    Void,
}

/// What to do with a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStep {
    /// Ask the provider for it.
    Call,
    /// Ask the provider whether it happened.
    Query,
    /// Nothing.
    Rest,
}

impl Refund {
    /// A refund that is owed from now on.
    pub fn owed(id: RefundId, payment_id: PaymentId, amount_krw: i64, now: DateTime<Utc>) -> Self {
        Self {
            id,
            payment_id,
            amount_krw,
            origin: Origin::Closing,
            state: RefundState::Due,
            attempt: 0,
            key_spent: false,
            transaction_key: None,
            code: None,
            next_check_at: Some(now),
            checks: 0,
            created_at: now,
        }
    }

    /// A refund that was made at the provider without us.
    pub fn made_there(id: RefundId, payment_id: PaymentId, cancel: &Cancel, now: DateTime<Utc>) -> Self {
        let mut refund = Self::owed(id, payment_id, cancel.amount_krw, now);
        refund.origin = Origin::Provider;
        refund.done(cancel);
        refund
    }

    /// The key under which the provider does it once.
    pub fn idempotency_key(&self) -> String {
        format!("refund:{}:{}", self.id, self.attempt)
    }

    /// What the provider is told; it comes back in the cancel, which is how ours is recognised.
    pub fn reason(&self) -> String {
        format!("예약 취소 환불 {}", self.id)
    }

    /// What comes next.
    pub fn step(&self) -> RefundStep {
        match self.state {
            RefundState::Due => RefundStep::Call,
            RefundState::Unknown => RefundStep::Query,
            RefundState::Done | RefundState::Void => RefundStep::Rest,
        }
    }

    /// The provider is about to be asked. Under the last key if that was never answered, else under a new one. The amount is
    /// what can still be given back; `false` when that is nothing.
    pub fn call(&mut self, balance_krw: i64, check_at: DateTime<Utc>) -> bool {
        if balance_krw <= 0 {
            self.state = RefundState::Void;
            self.next_check_at = None;
            return false;
        }
        self.amount_krw = self.amount_krw.min(balance_krw);
        if self.attempt == 0 || self.key_spent {
            self.attempt += 1;
            self.key_spent = false;
        }
        self.state = RefundState::Unknown;
        self.next_check_at = Some(check_at);
        true
    }

    /// The money is back.
    pub fn done(&mut self, cancel: &Cancel) {
        self.state = RefundState::Done;
        self.amount_krw = cancel.amount_krw;
        self.transaction_key = Some(cancel.transaction_key.clone());
        self.code = None;
        self.next_check_at = None;
    }

    /// The call was refused, or its outcome is not known.
    pub fn refused(&mut self, refusal: &Refusal, now: DateTime<Utc>) {
        let (spent, pause) = match refusal.verdict {
            Verdict::Unknown { key_spent } => (key_spent, backoff::pause(self.checks)),
            // Nobody but a person can change this, and the guest is owed the money all the same.
            _ => (true, backoff::STUCK),
        };
        self.key_spent |= spent;
        self.code = Some(refusal.code.clone());
        self.pause(now + pause);
    }

    /// The provider was asked whether it happened, and no cancel of it names this refund.
    pub fn not_there(&mut self, now: DateTime<Utc>) {
        self.state = RefundState::Due;
        self.next_check_at = Some(now);
    }

    /// The provider could not be asked.
    pub fn look_again(&mut self, now: DateTime<Utc>) {
        self.pause(now + backoff::pause(self.checks));
    }

    fn pause(&mut self, until: DateTime<Utc>) {
        self.checks = self.checks.saturating_add(1);
        self.next_check_at = Some(until);
    }
}

/// The refund that a cancel at the provider names, if it is one of ours.
pub fn named_by(cancel: &Cancel) -> Option<RefundId> {
    let last = cancel.reason.split_whitespace().next_back()?;
    Uuid::try_parse(last).ok().map(RefundId)
}

impl Origin {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closing => "closing",
            Self::Provider => "provider",
        }
    }

    /// The origin of a word of the database.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Closing, Self::Provider]
            .into_iter()
            .find(|origin| origin.as_str() == word)
    }
}

impl RefundState {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Unknown => "unknown",
            Self::Done => "done",
            Self::Void => "void",
        }
    }

    /// The state of a word of the database.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Due, Self::Unknown, Self::Done, Self::Void]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

#[cfg(test)]
mod tests;
