//! `RegisterPaymentMethod`: exchanges the result of the registration window for a billing key and stores that encrypted. The
//! new card becomes the default.
//!
//! Calls may be repeated: the provider recognises the exchange by its idempotency key, the store the card by the hash of its
//! billing key. A call that is stored after the account was deleted succeeds as if it had come before: its card is deleted at once.

use carshare_chassis::config::Secret;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;
use sha2::{Digest as _, Sha256};

use super::{convert, get_payment_customer};
use crate::billing_keys;
use crate::domain::ids::{GuestId, PaymentMethodId};
use crate::domain::provider_report::{ErrorKind, ProviderError};
use crate::error::Error;
use crate::provider::{BillingKey, IssueBillingKey};
use crate::store::customers;
use crate::store::payment_methods::{self, PaymentMethod};
use crate::{App, jobs};

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::RegisterPaymentMethodRequest,
) -> Result<pb::PaymentMethod, Error> {
    if let Some(method) = app.db.find_reply(&ctx).await? {
        return Ok(method);
    }
    let id = PaymentMethodId(app.db.environment().ids.next());
    let guest = GuestId(ctx.user()?.id);
    let customer_key = get_payment_customer::find_or_create(app, guest).await?;
    let issue = IssueBillingKey {
        idempotency_key: idempotency_key(&customer_key, &request.auth_key),
        auth_key: Secret::from(request.auth_key),
        customer_key,
    };
    let billing_key = app.provider.issue_billing_key(issue).await.map_err(to_error)?;
    let method = seal(app, guest, id, billing_key)?;
    app.db
        .idempotent(&ctx, "payment_methods.register", method, store)
        .await
}

/// Returns the idempotency key of the exchange. It contains the customer: otherwise a foreign `auth_key` would be answered
/// with the other guest's card.
fn idempotency_key(customer_key: &str, auth_key: &str) -> String {
    format!(
        "issue:{}",
        hex::encode(Sha256::digest(format!("{customer_key}:{auth_key}")))
    )
}

fn seal(
    app: &App,
    guest_id: GuestId,
    id: PaymentMethodId,
    billing_key: BillingKey,
) -> Result<PaymentMethod, Error> {
    Ok(PaymentMethod {
        id,
        guest_id,
        billing_key_sealed: Some(app.billing_keys.seal(id, &billing_key.key)?),
        billing_key_hash: billing_keys::hash(&billing_key.key),
        method: billing_key.method,
        card_number: billing_key.card_number,
        card_issuer_code: billing_key.card_issuer_code,
        created_at: app.now(),
    })
}

async fn store(tx: &Tx, method: &PaymentMethod) -> Result<pb::PaymentMethod, Error> {
    let customer = customers::lock(tx, method.guest_id).await?;
    let stored = payment_methods::insert(tx, method).await?;
    if stored.guest_id != method.guest_id {
        return Err(Error::CardRegistrationFailed {
            code: "NOT_MATCHES_CUSTOMER_KEY".to_owned(),
        });
    }
    let default = payment_methods::find_default(tx.conn(), method.guest_id).await?;
    let is_default = default.is_some_and(|default| default.id == stored.id);
    if customer.is_some_and(|customer| customer.closed_at.is_some()) {
        payment_methods::delete_all(tx, method.guest_id).await?;
        payment_methods::erase_uncharged(tx, method.guest_id).await?;
        tx.notify_job(jobs::KEY_REMOVALS);
    }
    Ok(convert::method(&stored, is_default))
}

/// An error that the provider answered is final: the guest has to register again. Without an answer the call may be
/// repeated.
fn to_error(error: ProviderError) -> Error {
    let code = error.code;
    match error.kind {
        ErrorKind::Unknown { key_spent: false } => Error::ProviderUnavailable { code },
        ErrorKind::OurFault => {
            metrics::counter!("payment_alarms_total", "alarm" => "our_fault").increment(1);
            tracing::error!(code, "the provider rejects the request for a billing key");
            Error::ProviderUnavailable { code }
        }
        ErrorKind::Unknown { key_spent: true }
        | ErrorKind::Declined
        | ErrorKind::KeyUnusable
        | ErrorKind::SessionExpired
        | ErrorKind::NotFound
        | ErrorKind::Mismatch => Error::CardRegistrationFailed { code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idempotency_key_depends_on_customer_and_auth_key() {
        let key = idempotency_key("cus_a", "auth");
        assert_eq!(key.len(), 70);
        assert_eq!(key, idempotency_key("cus_a", "auth"));
        assert_ne!(key, idempotency_key("cus_b", "auth"));
        assert!(!key.contains("auth:") && !key.contains("cus_a"));
    }
}
