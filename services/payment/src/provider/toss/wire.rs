//! Toss's JSON, as far as we send and read it. Unknown fields and values are expected: they appear at any time.

#![expect(clippy::struct_field_names, reason = "the names are Toss's")]

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use super::classify;
use crate::domain::finding::{self, Refusal, Report, Standing, Verdict};
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

/// The number as Toss masked it. Should it ever come whole, only the issuer's digits stay.
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
    cancels: Option<Vec<CancelDone>>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelDone {
    transaction_key: String,
    cancel_amount: i64,
    #[serde(default)]
    cancel_reason: String,
    cancel_status: Option<String>,
}

impl Payment {
    pub(super) fn into_report(self) -> Report {
        Report {
            standing: self.standing(),
            payment_key: self.payment_key,
            order_id: self.order_id,
            total_krw: self.total_amount,
            method: self.method,
            cancels: self
                .cancels
                .into_iter()
                .flatten()
                .filter_map(CancelDone::into_cancel)
                .collect(),
        }
    }

    /// Only DONE means money, and what came after it. A payment that was cancelled before any was taken has no time of
    /// approval.
    fn standing(&self) -> Standing {
        let taken_at = self.approved_at.or(self.requested_at).map(|at| at.to_utc());
        match (self.status.as_str(), taken_at) {
            ("DONE" | "PARTIAL_CANCELED", Some(at)) => Standing::Captured(at),
            ("CANCELED", Some(at)) if self.approved_at.is_some() => Standing::Captured(at),
            ("CANCELED" | "ABORTED" | "EXPIRED", _) => Standing::Over(self.why_over()),
            _ => Standing::Waiting,
        }
    }

    fn why_over(&self) -> Refusal {
        match &self.failure {
            Some(failure) => classify::failure(&failure.code),
            None if self.status == "ABORTED" => Refusal::new(Verdict::Declined, "ABORTED"),
            None => Refusal::new(Verdict::SessionOver, &self.status),
        }
    }
}

impl CancelDone {
    fn into_cancel(self) -> Option<finding::Cancel> {
        let done = self.cancel_status.is_none_or(|status| status == "DONE");
        done.then_some(finding::Cancel {
            transaction_key: self.transaction_key,
            amount_krw: self.cancel_amount,
            reason: self.cancel_reason,
        })
    }
}

/// `{"code", "message"}`, or the same inside `error` in the second version of the API.
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
