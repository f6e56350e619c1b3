//! Reconciles a claimed payment with the provider.

use carshare_store::Tx;

use crate::domain::attempt::{Attempt, ProviderAnswer};
use crate::domain::payment::{Claim, Payment, State};
use crate::domain::provider_report::{ErrorKind, ProviderResult};
use crate::error::Error;
use crate::provider::Lookup;
use crate::store::{payment_attempts, payments};
use crate::{App, provider_facts};

use super::apply_result::{AttemptResult, apply_result};
use super::{begin_attempt, call_provider};

/// Makes one step of progress with a payment: resolves its open attempt, begins one if it is due, or else looks up what the
/// provider has.
pub async fn reconcile(app: &App, claim: Claim) -> Result<(), Error> {
    let conn = app.db.conn();
    let payment = payments::find(conn, claim.id).await?;
    let Some(payment) = payment.filter(|payment| payment.claim() == claim) else {
        return Ok(());
    };
    match payment_attempts::find_open(conn, claim.id).await? {
        Some(attempt) => resolve(app, &payment, &attempt).await.map(drop),
        None if payment.state == State::Due && payment.may_charge(app.now()) => charge(app, payment).await,
        None => {
            let result = app.provider.find(provider_facts::lookup(&payment)).await;
            record(app, claim, result).await
        }
    }
}

/// Looks up the result of an open attempt, and repeats its call if that never arrived.
pub(super) async fn resolve(app: &App, payment: &Payment, attempt: &Attempt) -> Result<AttemptResult, Error> {
    let result = call_provider::look_up(app, payment, attempt).await;
    match apply_result(app, payment.claim(), attempt, ProviderAnswer::Lookup(result)).await? {
        AttemptResult::RetryCall => {
            let result = call_provider::capture(app, payment, attempt).await?;
            apply_result(app, payment.claim(), attempt, ProviderAnswer::Call(result)).await
        }
        applied => Ok(applied),
    }
}

/// Charges the guest's card. Before further attempts the provider's current payment of the order is looked up: lookups can
/// then tell the attempts apart, and an order that is already captured is not charged again.
async fn charge(app: &App, payment: Payment) -> Result<(), Error> {
    let mut preceding_key = None;
    if payment.last_attempt > 0 {
        let result = app.provider.find(Lookup::Order(payment.order_id.clone())).await;
        match &result {
            Ok(snapshot) if provider_facts::captured(&payment, &result).is_none() => {
                preceding_key = Some(snapshot.payment_key.clone());
            }
            Err(error) if error.kind == ErrorKind::NotFound => {}
            _ => return record(app, payment.claim(), result).await,
        }
    }
    let Some((payment, attempt)) = begin_attempt::begin_billing(app, payment.claim(), preceding_key).await?
    else {
        return Ok(());
    };
    let result = call_provider::capture(app, &payment, &attempt).await?;
    apply_result(app, payment.claim(), &attempt, ProviderAnswer::Call(result))
        .await
        .map(drop)
}

/// Records the provider's state of a payment without an open attempt.
async fn record(app: &App, claim: Claim, result: ProviderResult) -> Result<(), Error> {
    app.db
        .transaction("payments.reconcile", (claim, result), record_result)
        .await
}

async fn record_result(tx: &Tx, (claim, result): &(Claim, ProviderResult)) -> Result<(), Error> {
    let mut payment = payments::lock_claimed(tx, *claim).await?;
    if let Some(snapshot) = provider_facts::captured(&payment, result) {
        return provider_facts::record_capture(tx, &mut payment, snapshot).await;
    }
    match result {
        _ if payment.claim_lost || payment.state == State::Unknown => return Ok(()),
        Ok(_) => payment.stop_checking(),
        Err(error) if error.kind == ErrorKind::NotFound => payment.stop_checking(),
        Err(error) => {
            tracing::info!(payment_id = %payment.id, code = error.code, "lookup at the provider failed");
            payment.check_later(tx.now());
        }
    }
    payments::update(tx, &mut payment).await
}
