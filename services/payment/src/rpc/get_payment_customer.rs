//! `GetPaymentCustomer`: the key under which the provider knows the guest. It is made at the first call, and the same ever
//! after: the cards registered under it can be charged under no other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carshare_chassis::Random;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::domain::ids::GuestId;
use crate::error::Error;
use crate::store::customers;

/// Answers.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    _: pb::GetPaymentCustomerRequest,
) -> Result<pb::PaymentCustomer, Error> {
    let customer_key = ensure(app, GuestId(ctx.user()?.id)).await?;
    Ok(pb::PaymentCustomer { customer_key })
}

/// The customer key of a guest, made if there is none.
pub(super) async fn ensure(app: &App, guest: GuestId) -> Result<String, Error> {
    if let Some(customer_key) = customers::find(app.db.conn(), guest).await? {
        return Ok(customer_key);
    }
    let input = (guest, fresh(&app.db.environment().random));
    app.db
        .transaction("customers.ensure", input, insert)
        .await
}

async fn insert(tx: &Tx, (guest, fresh): &(GuestId, String)) -> Result<String, Error> {
    customers::ensure(tx, *guest, fresh).await
}

/// 192 random bits in the provider's alphabet.
fn fresh(random: &Random) -> String {
    format!("cus_{}", URL_SAFE_NO_PAD.encode(random.bytes::<24>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_of_the_providers_alphabet_and_never_the_same() {
        let random = Random::seeded(1);
        let (a, b) = (fresh(&random), fresh(&random));
        assert_eq!(a.len(), 36);
        assert!(
            a.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_=.@".contains(c))
        );
        assert_ne!(a, b);
    }
}
