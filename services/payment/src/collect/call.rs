//! Asking the provider for the money of an attempt that is written down. May be done again: the provider knows the call by
//! its idempotency key.

use anyhow::Context as _;

use crate::App;
use crate::domain::attempt::{Attempt, Kind};
use crate::domain::finding::Answer;
use crate::domain::ids::MethodId;
use crate::domain::payment::Payment;
use crate::error::Error;
use crate::provider::{Charge, Confirm, Lookup};
use crate::store::{customers, methods};

/// Makes the call.
pub(super) async fn perform(app: &App, payment: &Payment, attempt: &Attempt) -> Result<Answer, Error> {
    match &attempt.kind {
        Kind::Billing { method } => {
            let charge = charge(app, payment, *method, attempt.idempotency_key()).await?;
            Ok(app.provider.charge(charge).await)
        }
        Kind::Window { payment_key } => {
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

/// Asks what became of an attempt.
pub(super) async fn ask(app: &App, payment: &Payment, attempt: &Attempt) -> Answer {
    let lookup = match &attempt.kind {
        Kind::Billing { .. } => Lookup::Order(payment.order_id.clone()),
        Kind::Window { payment_key } => Lookup::Key(payment_key.clone()),
    };
    app.provider.find(lookup).await
}

async fn charge(
    app: &App,
    payment: &Payment,
    method: MethodId,
    idempotency_key: String,
) -> Result<Charge, Error> {
    let conn = app.db.conn();
    let method = methods::find(conn, method)
        .await?
        .context("the card of an attempt is gone")?;
    let customer_key = customers::find(conn, payment.guest_id)
        .await?
        .context("a guest with a card is no customer")?;
    Ok(Charge {
        billing_key: app.keys.open(method.id, &method.billing_key_sealed)?,
        customer_key,
        order_id: payment.order_id.clone(),
        order_name: payment.order_name.clone(),
        amount_krw: payment.amount_krw,
        idempotency_key,
    })
}
