//! Calls the provider for an attempt whose row is committed. Calls may be repeated: they carry the attempt's idempotency
//! key.

use anyhow::Context as _;

use crate::App;
use crate::domain::attempt::{Attempt, AttemptKind};
use crate::domain::ids::PaymentMethodId;
use crate::domain::payment::Payment;
use crate::domain::provider_report::{ErrorKind, ProviderError, ProviderResult};
use crate::error::Error;
use crate::provider::{Charge, Confirm, Lookup};
use crate::store::{customers, payment_methods};

/// Charges the card, or confirms the payment made in the payment window.
pub(super) async fn capture(
    app: &App,
    payment: &Payment,
    attempt: &Attempt,
) -> Result<ProviderResult, Error> {
    match &attempt.kind {
        AttemptKind::Billing { method } => {
            match charge(app, payment, *method, attempt.idempotency_key()).await? {
                Some(charge) => Ok(app.provider.charge(charge).await),
                // By a replica of an earlier version, which did not lock the customer.
                None => Ok(Err(ProviderError::new(
                    ErrorKind::KeyUnusable,
                    "BILLING_KEY_REMOVED",
                ))),
            }
        }
        AttemptKind::Checkout { payment_key } => {
            let confirm = Confirm {
                payment_key: payment_key.clone(),
                order_id: payment.order_id.clone(),
                amount_krw: payment.amount_krw,
                idempotency_key: attempt.idempotency_key(),
            };
            Ok(app.provider.confirm(confirm).await)
        }
    }
}

/// Looks up the result of an attempt.
pub(super) async fn look_up(app: &App, payment: &Payment, attempt: &Attempt) -> ProviderResult {
    let lookup = match &attempt.kind {
        AttemptKind::Billing { .. } => Lookup::Order(payment.order_id.clone()),
        AttemptKind::Checkout { payment_key } => Lookup::Key(payment_key.clone()),
    };
    app.provider.find(lookup).await
}

/// Returns the parameters of a charge; `None` when the billing key of the card was removed.
async fn charge(
    app: &App,
    payment: &Payment,
    method: PaymentMethodId,
    idempotency_key: String,
) -> Result<Option<Charge>, Error> {
    let conn = app.db.conn();
    let method = payment_methods::find(conn, method)
        .await?
        .context("the attempt's payment method is missing")?;
    let customer_key = customers::find(conn, payment.guest_id)
        .await?
        .and_then(|customer| customer.customer_key)
        .context("a guest with a payment method has no customer key")?;
    let Some(sealed) = method.billing_key_sealed.as_deref() else {
        return Ok(None);
    };
    Ok(Some(Charge {
        billing_key: app.billing_keys.open(method.id, sealed)?,
        customer_key,
        order_id: payment.order_id.clone(),
        order_name: payment.order_name.clone(),
        amount_krw: payment.amount_krw,
        idempotency_key,
    }))
}
