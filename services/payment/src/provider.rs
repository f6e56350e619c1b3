//! The payment provider, as this service needs one: the edge behind which Toss is. Every call that takes or gives money
//! carries an idempotency key, and every answer is neutral (see [`crate::domain::finding`]).

pub mod toss;

use async_trait::async_trait;
use carshare_chassis::config::Secret;

use crate::domain::finding::{Answer, Refusal};

/// What the provider can do.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Trades the result of the registration window for a billing key.
    async fn issue_billing_key(&self, request: IssueBillingKey) -> Result<BillingKey, Refusal>;

    /// Charges a billing key.
    async fn charge(&self, request: Charge) -> Answer;

    /// Takes the money of a payment the guest has authenticated in the window.
    async fn confirm(&self, request: Confirm) -> Answer;

    /// What the provider has.
    async fn find(&self, lookup: Lookup) -> Answer;

    /// Gives back (a part of) a captured payment. The report holds the cancel.
    async fn cancel(&self, request: Cancel) -> Answer;
}

/// See [`Provider::issue_billing_key`].
#[derive(Clone, Debug)]
pub struct IssueBillingKey {
    /// From the window's redirect.
    pub auth_key: Secret,
    /// The guest at the provider.
    pub customer_key: String,
    /// Under which it is done once.
    pub idempotency_key: String,
}

/// A card that may be charged without the guest.
#[derive(Clone, Debug)]
pub struct BillingKey {
    /// The key itself.
    pub key: Secret,
    /// How it pays, for example `카드`.
    pub method: String,
    /// Masked number.
    pub card_number: String,
    /// Two-digit code of the card company.
    pub card_issuer_code: String,
}

/// See [`Provider::charge`].
#[derive(Clone, Debug)]
pub struct Charge {
    /// The card.
    pub billing_key: Secret,
    /// Whose it is.
    pub customer_key: String,
    /// Our order.
    pub order_id: String,
    /// What the guest reads on the statement.
    pub order_name: String,
    /// Won.
    pub amount_krw: i64,
    /// Under which it is done once.
    pub idempotency_key: String,
}

/// See [`Provider::confirm`].
#[derive(Clone, Debug)]
pub struct Confirm {
    /// From the window's redirect.
    pub payment_key: String,
    /// Our order.
    pub order_id: String,
    /// Won.
    pub amount_krw: i64,
    /// Under which it is done once.
    pub idempotency_key: String,
}

/// See [`Provider::find`].
#[derive(Clone, Debug)]
pub enum Lookup {
    /// The latest payment of an order.
    Order(String),
    /// A payment by the provider's key.
    Key(String),
}

/// See [`Provider::cancel`].
#[derive(Clone, Debug)]
pub struct Cancel {
    /// The payment.
    pub payment_key: String,
    /// Won to give back.
    pub amount_krw: i64,
    /// Won that we believe are left: the provider refuses when it believes otherwise.
    pub balance_krw: i64,
    /// Comes back in the report.
    pub reason: String,
    /// Under which it is done once.
    pub idempotency_key: String,
}
