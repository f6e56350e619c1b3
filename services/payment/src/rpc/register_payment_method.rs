//! `RegisterPaymentMethod`: trades the result of the registration window for a billing key, and keeps that sealed. The newest
//! card is the one that is charged.
//!
//! May be repeated: the provider knows the trade by its idempotency key, we know the card by its billing key.

use carshare_chassis::config::Secret;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::{Claim, Tx};
use sha2::{Digest as _, Sha256};

use super::{convert, get_payment_customer};
use crate::App;
use crate::domain::finding::{Refusal, Verdict};
use crate::domain::ids::{GuestId, MethodId};
use crate::error::Error;
use crate::keys;
use crate::provider::{BillingKey, IssueBillingKey};
use crate::store::methods::{self, Method};

/// Answers.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::RegisterPaymentMethodRequest,
) -> Result<pb::PaymentMethod, Error> {
    let id = match app.db.claim(&ctx).await? {
        Claim::Replayed(method) => return Ok(method),
        Claim::New(id) => MethodId(id),
    };
    let guest = GuestId(ctx.user()?.id);
    let customer_key = get_payment_customer::ensure(app, guest).await?;
    let issue = IssueBillingKey {
        idempotency_key: idempotency_key(&customer_key, &request.auth_key),
        auth_key: Secret::from(request.auth_key),
        customer_key,
    };
    let billing_key = app.provider.issue_billing_key(issue).await.map_err(refused)?;
    let method = seal(app, guest, id, billing_key)?;
    app.db
        .idempotent(&ctx, "payment_methods.register", method, store)
        .await
}

/// The customer is part of the key: else somebody else's `auth_key` would be answered with that one's card.
fn idempotency_key(customer_key: &str, auth_key: &str) -> String {
    format!(
        "issue:{}",
        hex::encode(Sha256::digest(format!("{customer_key}:{auth_key}")))
    )
}

fn seal(app: &App, guest_id: GuestId, id: MethodId, billing_key: BillingKey) -> Result<Method, Error> {
    Ok(Method {
        id,
        guest_id,
        billing_key_sealed: app.keys.seal(id, &billing_key.key)?,
        billing_key_hash: keys::hash(&billing_key.key),
        method: billing_key.method,
        card_number: billing_key.card_number,
        card_issuer_code: billing_key.card_issuer_code,
        created_at: app.now(),
    })
}

async fn store(tx: &Tx, method: &Method) -> Result<pb::PaymentMethod, Error> {
    let stored = methods::insert(tx, method).await?;
    if stored.guest_id != method.guest_id {
        return Err(Error::CardRegistrationFailed {
            code: "NOT_MATCHES_CUSTOMER_KEY".to_owned(),
        });
    }
    let default = methods::find_default(tx.conn(), method.guest_id).await?;
    let is_default = default.is_some_and(|default| default.id == stored.id);
    Ok(convert::method(&stored, is_default))
}

/// After an answer the same window result only brings the same answer: the guest has to register anew. Without one, the same
/// call may be made again.
fn refused(refusal: Refusal) -> Error {
    let code = refusal.code;
    match refusal.verdict {
        Verdict::Unknown { key_spent: false } => Error::ProviderUnavailable { code },
        Verdict::OurFault => {
            metrics::counter!("payment_alarms_total", "alarm" => "our_fault").increment(1);
            tracing::error!(code, "the provider refuses to issue a billing key");
            Error::ProviderUnavailable { code }
        }
        Verdict::Unknown { key_spent: true }
        | Verdict::Declined
        | Verdict::KeyUnusable
        | Verdict::SessionOver
        | Verdict::NotFound
        | Verdict::Mismatch => Error::CardRegistrationFailed { code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trade_has_a_key_of_the_guest_and_the_window() {
        let key = idempotency_key("cus_a", "auth");
        assert_eq!(key.len(), 70);
        assert_eq!(key, idempotency_key("cus_a", "auth"));
        assert_ne!(key, idempotency_key("cus_b", "auth"));
        assert!(!key.contains("auth:") && !key.contains("cus_a"));
    }
}
