//! Results of calls to the payment provider, in provider-neutral types.

use chrono::{DateTime, Utc};

/// Result of a call to the provider.
pub type ProviderResult = Result<PaymentSnapshot, ProviderError>;

/// The provider's state of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentSnapshot {
    /// The provider's id of the payment.
    pub payment_key: String,
    pub order_id: String,
    pub status: PaymentStatus,
    /// Captured or requested amount, before cancels.
    pub total_krw: i64,
    /// Means of payment, for example `카드`.
    pub method: Option<String>,
    /// Completed cancels, oldest first.
    pub cancels: Vec<Cancel>,
}

/// Status of a payment at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Nothing has been captured yet.
    Pending,
    /// Captured at this time; part or all of it may have been cancelled since.
    Captured(DateTime<Utc>),
    /// Ended without a capture; final.
    Ended(ProviderError),
}

/// A completed cancel (refund) at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The provider's unique id of the cancel.
    pub transaction_key: String,
    pub amount_krw: i64,
    /// Reason given in the request; that of this service's cancels contains the refund id.
    pub reason: String,
}

/// A failed call, or the reason why a payment ended without a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    pub kind: ErrorKind,
    /// The provider's error code, or one of this service for failures of the transport (`TIMEOUT`).
    pub code: String,
}

/// Kinds of provider errors, by what the caller has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorKind {
    /// Not captured; the guest has to use another means of payment.
    Declined,
    /// Not captured; the billing key is permanently invalid.
    KeyUnusable,
    /// Not captured; the session of the payment window expired and the guest has to open a new one.
    SessionExpired,
    /// The provider has no such payment.
    NotFound,
    /// Nothing was done: the request contradicts the provider's data.
    Mismatch,
    /// Nothing was done: this service's configuration or contract is wrong and an operator has to act.
    OurFault,
    /// Whether anything was done is unknown.
    Unknown {
        /// Whether the provider answered, so that the same idempotency key would only replay that answer.
        key_spent: bool,
    },
}

impl ErrorKind {
    /// Returns the value of metric labels and log fields.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether an operator has to act.
    pub fn needs_operator(self) -> bool {
        self == Self::OurFault
    }
}

impl ProviderError {
    /// Creates an error of this kind with the provider's code.
    pub fn new(kind: ErrorKind, code: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
        }
    }
}
