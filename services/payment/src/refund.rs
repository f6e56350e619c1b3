//! Makes refunds, of each payment one after the other. As with charges, the row is committed before the provider is called, an
//! unknown outcome is looked up, and the call is repeated under its idempotency key only while the provider has not answered under
//! it. A worker whose claim is lost only records cancels that the provider has.

use std::time::Duration;

use carshare_store::Tx;

use crate::domain::attempt::ProviderAnswer;
use crate::domain::ids::PaymentId;
use crate::domain::payment::Payment;
use crate::domain::provider_report::{ErrorKind, ProviderError};
use crate::domain::refund::{Refund, RefundClaim, RefundState, RefundStep};
use crate::error::Error;
use crate::provider::{Cancel, Lookup};
use crate::store::{payments, refunds};
use crate::{App, jobs, provider_facts};

/// Makes one step of progress with a refund: calls the provider, or looks up the outcome of a call.
pub async fn reconcile(app: &App, claim: RefundClaim) -> Result<(), Error> {
    let conn = app.db.conn();
    let refund = refunds::find(conn, claim.id).await?;
    let Some(mut refund) = refund.filter(|refund| refund.claim() == claim) else {
        return Ok(());
    };
    let Some(payment) = payments::find(conn, refund.payment_id).await? else {
        return Ok(());
    };
    let Some(payment_key) = payment.payment_key.clone() else {
        return Err(anyhow::anyhow!("refund {} of a payment that is not captured", refund.id).into());
    };
    let answer = match refund.next_step() {
        RefundStep::None => return Ok(()),
        RefundStep::Lookup => ProviderAnswer::Lookup(app.provider.find(Lookup::Key(payment_key)).await),
        RefundStep::Call => {
            let Some((begun, cancel)) = begin_call(app, &refund, payment_key).await? else {
                return Ok(());
            };
            refund = begun;
            ProviderAnswer::Call(app.provider.cancel(cancel).await)
        }
    };
    let input = ResultInput {
        payment_id: payment.id,
        claim: refund.claim(),
        answer,
    };
    app.db
        .transaction("refunds.apply_result", input, apply_result)
        .await
}

struct CallInput {
    payment_id: PaymentId,
    claim: RefundClaim,
    payment_key: String,
    claim_timeout: Duration,
}

/// Commits that the provider is about to be called. `None` when the claim is lost, nothing is owed any more, or another refund of the
/// payment is in progress.
async fn begin_call(
    app: &App,
    refund: &Refund,
    payment_key: String,
) -> Result<Option<(Refund, Cancel)>, Error> {
    let input = CallInput {
        payment_id: refund.payment_id,
        claim: refund.claim(),
        payment_key,
        claim_timeout: app.worker.claim_timeout,
    };
    app.db.transaction("refunds.begin", input, begin).await
}

async fn begin(tx: &Tx, input: &CallInput) -> Result<Option<(Refund, Cancel)>, Error> {
    let payment = payments::lock(tx, input.payment_id).await?;
    let due = refunds::lock(tx, input.claim.id)
        .await?
        .filter(|refund| refund.claim() == input.claim && refund.state == RefundState::Due);
    let Some(mut refund) = due else { return Ok(None) };
    if refunds::is_one_in_progress(tx.conn(), payment.id).await? {
        // The provider may have made it: what is owed is known afterwards.
        refund.check_later(tx.now());
        refunds::update(tx, &mut refund).await?;
        return Ok(None);
    }
    let called = refund.begin_call(payment.owed_krw(refund.origin), tx.now() + input.claim_timeout);
    refunds::update(tx, &mut refund).await?;
    let cancel = Cancel {
        payment_key: input.payment_key.clone(),
        amount_krw: refund.amount_krw,
        balance_krw: payment.balance_krw(),
        reason: refund.reason(),
        idempotency_key: refund.idempotency_key(),
    };
    Ok(called.then_some((refund, cancel)))
}

struct ResultInput {
    payment_id: PaymentId,
    claim: RefundClaim,
    answer: ProviderAnswer,
}

async fn apply_result(tx: &Tx, input: &ResultInput) -> Result<(), Error> {
    let mut payment = payments::lock(tx, input.payment_id).await?;
    let (ProviderAnswer::Call(result) | ProviderAnswer::Lookup(result)) = &input.answer;
    if let Some(snapshot) = provider_facts::captured(&payment, result) {
        provider_facts::record_cancels(tx, &mut payment, &snapshot.cancels).await?;
    }
    let open = refunds::lock(tx, input.claim.id)
        .await?
        .filter(|refund| refund.claim() == input.claim && refund.state == RefundState::Unknown);
    let Some(mut refund) = open else { return Ok(()) };
    match &input.answer {
        ProviderAnswer::Call(Err(error)) => record_failure(tx, &mut refund, error, &payment),
        ProviderAnswer::Call(Ok(_)) => {
            // The cancel is not among the completed ones of the response: it is looked up.
            let error = ProviderError::new(ErrorKind::Unknown { key_spent: true }, "CANCEL_NOT_SEEN");
            record_failure(tx, &mut refund, &error, &payment);
        }
        ProviderAnswer::Lookup(Ok(_)) => refund.not_found(tx.now()),
        ProviderAnswer::Lookup(Err(_)) => refund.check_later(tx.now()),
    }
    refunds::update(tx, &mut refund).await?;
    tx.notify_job(jobs::REFUNDS);
    Ok(())
}

fn record_failure(tx: &Tx, refund: &mut Refund, error: &ProviderError, payment: &Payment) {
    metrics::counter!("payment_refund_failures_total", "kind" => error.kind.as_str()).increment(1);
    if !matches!(error.kind, ErrorKind::Unknown { .. }) {
        metrics::counter!("payment_alarms_total", "alarm" => "refund_stuck").increment(1);
        tracing::error!(payment_id = %payment.id, refund_id = %refund.id, code = error.code, "refund rejected");
    }
    refund.call_failed(error, tx.now());
}
