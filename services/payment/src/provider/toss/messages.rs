//! JSON messages of the Toss API, reduced to the fields in use. Unknown fields and values are accepted: Toss adds them
//! at any time.

#![expect(clippy::struct_field_names, reason = "names of the API")]

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use super::classify;
use crate::domain::provider_report::{self, ErrorKind, PaymentSnapshot, PaymentStatus, ProviderError};
use crate::provider::BillingKey;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Issue<'a> {
    pub(super) auth_key: &'a str,
    pub(super) customer_key: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Charge<'a> {
    pub(super) amount: i64,
    pub(super) customer_key: &'a str,
    pub(super) order_id: &'a str,
    pub(super) order_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Confirm<'a> {
    pub(super) payment_key: &'a str,
    pub(super) order_id: &'a str,
    pub(super) amount: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancel<'a> {
    pub(super) cancel_reason: &'a str,
    pub(super) cancel_amount: i64,
    pub(super) refundable_amount: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Billing {
    billing_key: String,
    method: Option<String>,
    card: Option<Card>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Card {
    number: Option<String>,
    issuer_code: Option<String>,
}

impl Billing {
    pub(super) fn into_key(self) -> BillingKey {
        let card = self.card.unwrap_or_default();
        BillingKey {
            key: self.billing_key.into(),
            method: self.method.unwrap_or_default(),
            card_number: masked(&card.number.unwrap_or_default()),
            card_issuer_code: card.issuer_code.unwrap_or_default(),
        }
    }
}

/// Returns the card number as masked by Toss. An unmasked one is reduced to the issuer's digits: it must never be stored.
fn masked(number: &str) -> String {
    if number.contains('*') {
        return number.to_owned();
    }
    let last = number.chars().count().saturating_sub(1);
    number
        .chars()
        .enumerate()
        .map(|(i, c)| if i < 6 && i < last { c } else { '*' })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    payment_key: String,
    order_id: String,
    status: String,
    total_amount: i64,
    method: Option<String>,
    requested_at: Option<DateTime<FixedOffset>>,
    approved_at: Option<DateTime<FixedOffset>>,
    failure: Option<Failure>,
    cancels: Option<Vec<CancelEntry>>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelEntry {
    transaction_key: String,
    cancel_amount: i64,
    #[serde(default)]
    cancel_reason: String,
    cancel_status: Option<String>,
}

impl Payment {
    pub(super) fn into_snapshot(self) -> PaymentSnapshot {
        PaymentSnapshot {
            status: self.status(),
            payment_key: self.payment_key,
            order_id: self.order_id,
            total_krw: self.total_amount,
            method: self.method,
            cancels: self
                .cancels
                .into_iter()
                .flatten()
                .filter_map(CancelEntry::into_cancel)
                .collect(),
        }
    }

    /// DONE and the states after it mean a capture. A payment cancelled before a capture has no `approvedAt`.
    fn status(&self) -> PaymentStatus {
        let captured_at = self.approved_at.or(self.requested_at).map(|at| at.to_utc());
        match (self.status.as_str(), captured_at) {
            ("DONE" | "PARTIAL_CANCELED", Some(at)) => PaymentStatus::Captured(at),
            ("CANCELED", Some(at)) if self.approved_at.is_some() => PaymentStatus::Captured(at),
            ("CANCELED" | "ABORTED" | "EXPIRED", _) => PaymentStatus::Ended(self.end_reason()),
            _ => PaymentStatus::Pending,
        }
    }

    fn end_reason(&self) -> ProviderError {
        match &self.failure {
            Some(failure) => classify::by_failure(&failure.code),
            None if self.status == "ABORTED" => ProviderError::new(ErrorKind::Declined, "ABORTED"),
            None => ProviderError::new(ErrorKind::SessionExpired, &self.status),
        }
    }
}

impl CancelEntry {
    fn into_cancel(self) -> Option<provider_report::Cancel> {
        let done = self.cancel_status.is_none_or(|status| status == "DONE");
        done.then_some(provider_report::Cancel {
            transaction_key: self.transaction_key,
            amount_krw: self.cancel_amount,
            reason: self.cancel_reason,
        })
    }
}

/// `{"code", "message"}`, within `error` in version 2 of the API.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    code: Option<String>,
    error: Option<Failure>,
}

impl ErrorBody {
    pub(super) fn into_code(self) -> Option<String> {
        self.code.or(self.error.map(|error| error.code))
    }
}

#[cfg(test)]
mod tests;
