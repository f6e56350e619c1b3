//! What the provider says, in neutral words: the report of a payment, or a refusal with its verdict.

use chrono::{DateTime, Utc};

/// What the provider answered.
pub type Answer = Result<Report, Refusal>;

/// A payment as the provider has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The provider's key of it.
    pub payment_key: String,
    /// Our order.
    pub order_id: String,
    /// Where it stands.
    pub standing: Standing,
    /// Won asked for, before cancels.
    pub total_krw: i64,
    /// How it was paid, for example `카드`.
    pub method: Option<String>,
    /// What was given back over there, oldest first.
    pub cancels: Vec<Cancel>,
}

/// Where a payment stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was taken yet.
    Waiting,
    /// The money was taken at this time; some or all may have gone back since.
    Captured(DateTime<Utc>),
    /// Nothing was taken and nothing will be.
    Over(Refusal),
}

/// Money that went back at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Unique.
    pub transaction_key: String,
    /// Won.
    pub amount_krw: i64,
    /// What was said when it was asked for; ours names the refund.
    pub reason: String,
}

/// Why the provider did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it means for us.
    pub verdict: Verdict,
    /// The provider's code, or ours for what happened on the way.
    pub code: String,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was taken; the guest has to use another method.
    Declined,
    /// Nothing was taken; the billing key is of no use any more.
    KeyUnusable,
    /// Nothing was taken; what the guest did in the window is too old, the guest has to do it again.
    SessionOver,
    /// The provider knows no such payment.
    NotFound,
    /// Nothing was done: what was sent does not fit what the provider has.
    Mismatch,
    /// Nothing was done: our configuration or contract is wrong and a person has to look.
    OurFault,
    /// Whether anything was done is not known. `key_spent`: the provider answered, so the same idempotency key would only
    /// replay that answer.
    Unknown {
        /// See above.
        key_spent: bool,
    },
}

impl Verdict {
    /// Low-cardinality word for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::KeyUnusable => "key_unusable",
            Self::SessionOver => "session_over",
            Self::NotFound => "not_found",
            Self::Mismatch => "mismatch",
            Self::OurFault => "our_fault",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Does somebody have to look?
    pub fn alarms(self) -> bool {
        self == Self::OurFault
    }
}

impl Refusal {
    /// A refusal.
    pub fn new(verdict: Verdict, code: impl Into<String>) -> Self {
        Self {
            verdict,
            code: code.into(),
        }
    }
}
