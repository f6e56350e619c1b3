//! One attempt to capture a payment, and the decision what a result from the provider means for it.

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::{PaymentId, PaymentMethodId};
use super::provider_report::{ErrorKind, PaymentSnapshot, PaymentStatus, ProviderError, ProviderResult};

/// Time after which a request without a response is considered lost: until then it may still arrive at the provider.
/// Matters only where the call cannot be repeated under its idempotency key.
const LOST_CALL_TIMEOUT: TimeDelta = TimeDelta::minutes(15);

/// An attempt. Its row is committed before the provider is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub payment_id: PaymentId,
    /// Counts from 1 within the payment.
    pub number: i32,
    pub kind: AttemptKind,
    /// The provider's key of what it had for the order before this attempt.
    pub preceding_key: Option<String>,
    /// Whether the provider answered under this attempt's idempotency key.
    pub key_spent: bool,
    pub outcome: AttemptOutcome,
    /// The provider's latest error code.
    pub code: Option<String>,
    pub started_at: DateTime<Utc>,
}

/// How an attempt captures the money.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AttemptKind {
    /// Charges the billing key of a registered card, without the guest.
    Billing { method: PaymentMethodId },
    /// Confirms what the guest paid in the provider's payment window.
    Checkout {
        /// Key returned by the window.
        payment_key: String,
    },
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum AttemptOutcome {
    /// Not ended: the result is unknown.
    Open,
    Captured,
    /// Declined by the card company.
    Declined,
    /// Not captured, for another reason.
    Failed,
    /// Not found at the provider within [`LOST_CALL_TIMEOUT`].
    GivenUp,
}

/// A result from the provider, by the kind of request.
#[derive(Clone, Debug)]
pub enum ProviderAnswer {
    /// The response to the charge or confirmation itself.
    Call(ProviderResult),
    /// The response to a lookup of the payment.
    Lookup(ProviderResult),
}

/// What a result means for an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The money is captured.
    Captured(PaymentSnapshot),
    /// The attempt ended without a capture.
    Ended {
        outcome: AttemptOutcome,
        error: ProviderError,
        next: NextStep,
    },
    /// The call never arrived: make it again under the same idempotency key.
    RetryCall,
    /// The result is still unknown: look it up later.
    CheckLater {
        /// Whether the provider has answered under the idempotency key by now.
        key_spent: bool,
        /// Why the result is unknown.
        code: String,
    },
    /// The provider captured another amount under this order; an operator has to act.
    AmountConflict,
}

/// What a payment does after an attempt without a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// The payment fails.
    Fail,
    /// The guest may pay in the payment window.
    RequestPayment,
    /// Another attempt after a delay.
    Retry,
    /// Another attempt at once, with another card.
    RetryOtherMethod,
}

/// What a decision depends on besides the attempt.
#[derive(Clone, Copy, Debug)]
pub struct DecisionContext<'a> {
    pub order_id: &'a str,
    pub amount_krw: i64,
    /// See [`super::payment::Payment::may_charge`].
    pub may_charge: bool,
    pub now: DateTime<Utc>,
}

impl Attempt {
    /// Returns the idempotency key of the provider call.
    pub fn idempotency_key(&self) -> String {
        let verb = match self.kind {
            AttemptKind::Billing { .. } => "charge",
            AttemptKind::Checkout { .. } => "confirm",
        };
        format!("{verb}:{}:{}", self.payment_id, self.number)
    }

    /// Decides what `answer` means for this attempt.
    pub fn decide(&self, answer: ProviderAnswer, context: DecisionContext<'_>) -> Decision {
        match answer {
            ProviderAnswer::Call(Ok(PaymentSnapshot {
                status: PaymentStatus::Pending,
                ..
            })) => Decision::CheckLater {
                key_spent: true,
                code: "WAITING".to_owned(),
            },
            ProviderAnswer::Lookup(Ok(snapshot)) if self.is_preceding(&snapshot) => self.not_found(context),
            ProviderAnswer::Call(Ok(snapshot)) | ProviderAnswer::Lookup(Ok(snapshot)) => {
                self.decide_by_snapshot(snapshot, context)
            }
            ProviderAnswer::Call(Err(error)) => self.decide_by_error(error),
            ProviderAnswer::Lookup(Err(error)) if error.kind == ErrorKind::NotFound => {
                self.not_found(context)
            }
            ProviderAnswer::Lookup(Err(error)) => Decision::CheckLater {
                key_spent: self.key_spent,
                code: error.code,
            },
        }
    }

    /// Returns whether the snapshot is of an earlier attempt under the same order.
    fn is_preceding(&self, snapshot: &PaymentSnapshot) -> bool {
        self.preceding_key.as_deref() == Some(snapshot.payment_key.as_str())
    }

    fn decide_by_snapshot(&self, snapshot: PaymentSnapshot, context: DecisionContext<'_>) -> Decision {
        if snapshot.order_id != context.order_id {
            return self.ended(ProviderError::new(ErrorKind::Mismatch, "ORDER_MISMATCH"));
        }
        match &snapshot.status {
            PaymentStatus::Captured(_) if snapshot.total_krw == context.amount_krw => {
                Decision::Captured(snapshot)
            }
            PaymentStatus::Captured(_) => Decision::AmountConflict,
            PaymentStatus::Ended(error) => self.ended(error.clone()),
            PaymentStatus::Pending => self.not_found(context),
        }
    }

    fn decide_by_error(&self, error: ProviderError) -> Decision {
        match error.kind {
            ErrorKind::Unknown { key_spent } => Decision::CheckLater {
                key_spent: key_spent || self.key_spent,
                code: error.code,
            },
            _ => self.ended(error),
        }
    }

    /// Decides for an attempt under which the provider has captured nothing (so far).
    fn not_found(&self, context: DecisionContext<'_>) -> Decision {
        let code = self.code.clone().unwrap_or_else(|| "NO_ANSWER".to_owned());
        let error = ProviderError::new(ErrorKind::NotFound, code);
        match (self.key_spent, context.may_charge) {
            (true, _) => self.ended(error),
            (false, true) => Decision::RetryCall,
            (false, false) if context.now - self.started_at < LOST_CALL_TIMEOUT => Decision::CheckLater {
                key_spent: false,
                code: error.code,
            },
            (false, false) => Decision::Ended {
                outcome: AttemptOutcome::GivenUp,
                next: self.next_step(error.kind),
                error,
            },
        }
    }

    fn ended(&self, error: ProviderError) -> Decision {
        let outcome = if error.kind == ErrorKind::Declined {
            AttemptOutcome::Declined
        } else {
            AttemptOutcome::Failed
        };
        Decision::Ended {
            outcome,
            next: self.next_step(error.kind),
            error,
        }
    }

    fn next_step(&self, kind: ErrorKind) -> NextStep {
        match (&self.kind, kind) {
            (AttemptKind::Checkout { .. }, _) => NextStep::RequestPayment,
            (AttemptKind::Billing { .. }, ErrorKind::Declined) => NextStep::Fail,
            (AttemptKind::Billing { .. }, ErrorKind::KeyUnusable) => NextStep::RetryOtherMethod,
            (AttemptKind::Billing { .. }, _) => NextStep::Retry,
        }
    }
}

impl AttemptKind {
    /// Returns the value of the column and of metric labels.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }
}

impl AttemptOutcome {
    /// Returns the value of the column and of metric labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests;
