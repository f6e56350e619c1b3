//! Interface to the payment provider. Calls that move money carry an idempotency key; results are provider-neutral, see
//! [`crate::domain::provider_report`].

pub mod toss;

use async_trait::async_trait;
use carshare_chassis::config::Secret;

use crate::domain::provider_report::{ProviderError, ProviderResult};

/// A payment provider.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Exchanges the result of the registration window for a billing key.
    async fn issue_billing_key(&self, request: IssueBillingKey) -> Result<BillingKey, ProviderError>;

    /// Deletes a billing key. `ErrorKind::KeyUnusable` when the provider does not have it.
    async fn delete_billing_key(&self, key: &Secret) -> Result<(), ProviderError>;

    /// Charges a billing key.
    async fn charge(&self, request: Charge) -> ProviderResult;

    /// Captures a payment that the guest authenticated in the payment window.
    async fn confirm(&self, request: Confirm) -> ProviderResult;

    /// Looks up a payment.
    async fn find(&self, lookup: Lookup) -> ProviderResult;

    /// Refunds (a part of) a captured payment. The returned snapshot contains the cancel.
    async fn cancel(&self, request: Cancel) -> ProviderResult;
}

/// Parameters of [`Provider::issue_billing_key`].
#[derive(Clone, Debug)]
pub struct IssueBillingKey {
    /// From the redirect of the registration window.
    pub auth_key: Secret,
    pub customer_key: String,
    pub idempotency_key: String,
}

/// A card that can be charged without the guest.
#[derive(Clone, Debug)]
pub struct BillingKey {
    pub key: Secret,
    /// Means of payment, for example `카드`.
    pub method: String,
    /// Masked.
    pub card_number: String,
    /// Two-digit code of the card company.
    pub card_issuer_code: String,
}

/// Parameters of [`Provider::charge`].
#[derive(Clone, Debug)]
pub struct Charge {
    pub billing_key: Secret,
    pub customer_key: String,
    pub order_id: String,
    /// Shown on the guest's card statement.
    pub order_name: String,
    pub amount_krw: i64,
    pub idempotency_key: String,
}

/// Parameters of [`Provider::confirm`].
#[derive(Clone, Debug)]
pub struct Confirm {
    /// From the redirect of the payment window.
    pub payment_key: String,
    pub order_id: String,
    pub amount_krw: i64,
    pub idempotency_key: String,
}

/// Parameters of [`Provider::find`].
#[derive(Clone, Debug)]
pub enum Lookup {
    /// The latest payment of an order id.
    Order(String),
    /// The payment with the provider's key.
    Key(String),
}

/// Parameters of [`Provider::cancel`].
#[derive(Clone, Debug)]
pub struct Cancel {
    pub payment_key: String,
    pub amount_krw: i64,
    /// Expected balance before the cancel; the provider rejects the call when its own differs.
    pub balance_krw: i64,
    /// Returned in the snapshot.
    pub reason: String,
    pub idempotency_key: String,
}
