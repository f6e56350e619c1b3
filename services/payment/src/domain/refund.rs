//! Refunds and their state transitions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::backoff;
use super::ids::{PaymentId, RefundId};
use super::provider_report::{Cancel, ErrorKind, ProviderError};

/// A refund of (a part of) a captured payment. Its row is committed before the provider is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub payment_id: PaymentId,
    pub amount_krw: i64,
    pub origin: Origin,
    pub state: RefundState,
    /// Number of the latest call, 0 before the first.
    pub attempt: i32,
    /// Whether the provider answered under the latest idempotency key.
    pub key_spent: bool,
    /// The provider's id of the cancel, once completed.
    pub transaction_key: Option<String>,
    /// The provider's latest error code.
    pub code: Option<String>,
    /// When the worker checks it next; `None` once completed or void.
    pub next_check_at: Option<DateTime<Utc>>,
    /// Failed checks so far; determines the delay of the next one.
    pub checks: i32,
    pub created_at: DateTime<Utc>,
    /// Incremented by every update and claim.
    pub version: i64,
}

/// A worker's claim on a refund. It is lost when the version changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundClaim {
    pub id: RefundId,
    pub version: i64,
}

/// Why a refund exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Origin {
    /// The booking ended.
    BookingEnd,
    /// A change of the booking costs less.
    BookingChange,
    /// An operator made it in the provider's console; it is only recorded here.
    Provider,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum RefundState {
    /// The provider is to be called.
    Due,
    /// The provider was called; the result is unknown.
    Unknown,
    /// Completed.
    Done,
    /// Not made: what was owed had been refunded at the provider.
    Void,
}

/// What the worker does next with a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStep {
    /// Call the provider.
    Call,
    /// Look up whether the call succeeded.
    Lookup,
    /// Nothing; the refund is final.
    None,
}

impl Refund {
    /// Creates a refund that is due at once.
    pub fn new(id: RefundId, payment_id: PaymentId, amount_krw: i64, now: DateTime<Utc>) -> Self {
        Self {
            id,
            payment_id,
            amount_krw,
            origin: Origin::BookingEnd,
            state: RefundState::Due,
            attempt: 0,
            key_spent: false,
            transaction_key: None,
            code: None,
            next_check_at: Some(now),
            checks: 0,
            created_at: now,
            version: 0,
        }
    }

    /// Creates the record of a cancel that was made in the provider's console.
    pub fn made_at_provider(
        id: RefundId,
        payment_id: PaymentId,
        cancel: &Cancel,
        now: DateTime<Utc>,
    ) -> Self {
        let mut refund = Self::new(id, payment_id, cancel.amount_krw, now);
        refund.origin = Origin::Provider;
        refund.complete(cancel);
        refund
    }

    /// Returns the claim that was read with the refund.
    pub fn claim(&self) -> RefundClaim {
        RefundClaim {
            id: self.id,
            version: self.version,
        }
    }

    /// Returns the idempotency key of the latest call.
    pub fn idempotency_key(&self) -> String {
        format!("refund:{}:{}", self.id, self.attempt)
    }

    /// Returns the reason sent to the provider. It is part of the cancel, where [`refund_id_of`] finds the refund id.
    pub fn reason(&self) -> String {
        let cause = match self.origin {
            Origin::BookingEnd | Origin::Provider => "예약 취소 환불",
            Origin::BookingChange => "예약 변경 환불",
        };
        format!("{cause} {}", self.id)
    }

    /// Returns what the worker does next.
    pub fn next_step(&self) -> RefundStep {
        match self.state {
            RefundState::Due => RefundStep::Call,
            RefundState::Unknown => RefundStep::Lookup,
            RefundState::Done | RefundState::Void => RefundStep::None,
        }
    }

    /// Begins a call, of at most `owed_krw`: under the previous idempotency key if the provider did not answer under it,
    /// else under a new one. Returns `false`, and is void, when nothing is owed any more.
    pub fn begin_call(&mut self, owed_krw: i64, check_at: DateTime<Utc>) -> bool {
        if owed_krw <= 0 {
            self.state = RefundState::Void;
            self.next_check_at = None;
            return false;
        }
        self.amount_krw = self.amount_krw.min(owed_krw);
        if self.attempt == 0 || self.key_spent {
            self.attempt += 1;
            self.key_spent = false;
        }
        self.state = RefundState::Unknown;
        self.next_check_at = Some(check_at);
        true
    }

    /// Completes the refund with the provider's cancel.
    pub fn complete(&mut self, cancel: &Cancel) {
        self.state = RefundState::Done;
        self.amount_krw = cancel.amount_krw;
        self.transaction_key = Some(cancel.transaction_key.clone());
        self.code = None;
        self.next_check_at = None;
    }

    /// Records a failed call and schedules a lookup.
    pub fn call_failed(&mut self, error: &ProviderError, now: DateTime<Utc>) {
        let (spent, delay) = match error.kind {
            ErrorKind::Unknown { key_spent } => (key_spent, backoff::delay(self.checks)),
            // Only an operator can resolve it; the guest is owed the money regardless, so it is retried.
            _ => (true, backoff::STUCK_INTERVAL),
        };
        self.key_spent |= spent;
        self.code = Some(error.code.clone());
        self.check_at(now + delay);
    }

    /// Makes the refund due again, because a lookup found no cancel with its id.
    pub fn not_found(&mut self, now: DateTime<Utc>) {
        self.state = RefundState::Due;
        self.next_check_at = Some(now);
    }

    /// Schedules another lookup after a failed one, with exponential backoff.
    pub fn check_later(&mut self, now: DateTime<Utc>) {
        self.check_at(now + backoff::delay(self.checks));
    }

    fn check_at(&mut self, time: DateTime<Utc>) {
        self.checks = self.checks.saturating_add(1);
        self.next_check_at = Some(time);
    }
}

/// Returns the id of the refund that led to a cancel; `None` for cancels made in the provider's console.
pub fn refund_id_of(cancel: &Cancel) -> Option<RefundId> {
    let last = cancel.reason.split_whitespace().next_back()?;
    Uuid::try_parse(last).ok().map(RefundId)
}

impl Origin {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl RefundState {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests;
