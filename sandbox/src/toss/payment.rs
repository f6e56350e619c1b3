//! The Payment object of Toss's API. Its transitions are in [`transitions`].

mod transitions;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::transitions::{CancelRequest, Fresh, Purchase, Record};

/// Status of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The window is open; the guest has not authenticated.
    Ready,
    /// The guest has authenticated; nothing is captured.
    InProgress,
    /// Captured.
    Done,
    /// Cancelled in full by one cancel.
    Canceled,
    /// Cancelled in parts, even if the balance is zero.
    PartialCanceled,
    /// The charge was declined.
    Aborted,
    /// Not authenticated or not confirmed in time.
    Expired,
}

/// Way of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Authenticated by the guest in the window and confirmed by the shop.
    Normal,
    /// Charged with a billing key.
    Billing,
}

/// A payment with every field of the API. Amounts are won.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "Toss's reference documents the fields")]
pub struct Payment {
    pub version: String,
    pub m_id: String,
    pub payment_key: String,
    pub last_transaction_key: Option<String>,
    pub r#type: Kind,
    pub order_id: String,
    pub order_name: String,
    pub currency: String,
    pub country: String,
    pub method: Option<String>,
    pub total_amount: i64,
    pub balance_amount: i64,
    pub supplied_amount: i64,
    pub vat: i64,
    pub tax_free_amount: i64,
    pub tax_exemption_amount: i64,
    pub status: Status,
    pub requested_at: DateTime<FixedOffset>,
    pub approved_at: Option<DateTime<FixedOffset>>,
    pub use_escrow: bool,
    pub culture_expense: bool,
    pub is_partial_cancelable: bool,
    pub cancels: Option<Vec<Cancel>>,
    pub card: Option<Card>,
    pub virtual_account: Option<Value>,
    pub mobile_phone: Option<Value>,
    pub transfer: Option<Value>,
    pub gift_certificate: Option<Value>,
    pub easy_pay: Option<Value>,
    pub easy_pay_amount: Option<i64>,
    pub easy_pay_discount_amount: Option<i64>,
    pub secret: Option<String>,
    pub metadata: Option<Value>,
    pub receipt: Option<Link>,
    pub checkout: Option<Link>,
    pub failure: Option<Failure>,
    pub cash_receipt: Option<Value>,
    pub cash_receipts: Option<Value>,
    pub discount: Option<Value>,
    /// Not a field of Toss: it checks that clients ignore unknown fields, which Toss may add at any time.
    #[serde(default = "unknown_extra")]
    pub sandbox_extra: Value,
}

/// Card of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "Toss's reference documents the fields")]
pub struct Card {
    pub amount: i64,
    pub issuer_code: String,
    pub acquirer_code: Option<String>,
    pub number: String,
    pub installment_plan_months: u32,
    pub approve_no: String,
    pub use_card_point: bool,
    pub card_type: String,
    pub owner_type: String,
    pub acquire_status: String,
    pub is_interest_free: bool,
    pub interest_payer: Option<String>,
}

/// A cancel of a payment, in full or in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "Toss's reference documents the fields")]
pub struct Cancel {
    pub cancel_amount: i64,
    pub cancel_reason: String,
    pub tax_free_amount: i64,
    pub tax_exemption_amount: i64,
    /// Balance after this cancel.
    pub refundable_amount: i64,
    pub card_discount_amount: i64,
    pub transfer_discount_amount: i64,
    pub easy_pay_discount_amount: i64,
    pub canceled_at: DateTime<FixedOffset>,
    pub transaction_key: String,
    pub receipt_key: Option<String>,
    pub cancel_status: String,
    pub cancel_request_id: Option<String>,
}

/// A link to a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// URL of the page.
    pub url: String,
}

/// Reason of an aborted or expired payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Error code of Toss.
    pub code: String,
    /// Error message for the guest.
    pub message: String,
}

fn unknown_extra() -> Value {
    json!({ "note": "clients must ignore fields they do not know" })
}

/// Returns the VAT contained in an amount: an eleventh, rounded half up. 45,000 → 4,091.
fn vat(amount: i64) -> i64 {
    (amount * 2 + 11) / 22
}

#[cfg(test)]
mod tests {
    use super::vat;

    #[test]
    fn vat_is_an_eleventh_rounded_half_up() {
        assert_eq!(vat(45_000), 4_091);
        assert_eq!(vat(4_900), 445);
        assert_eq!(vat(0), 0);
        assert_eq!(vat(100), 9);
    }
}
