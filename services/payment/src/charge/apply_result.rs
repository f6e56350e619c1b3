//! Applies the provider's result to an attempt: its outcome, the payment's state, the ledger and the events, in one
//! transaction.

use anyhow::Context as _;
use carshare_store::Tx;

use crate::domain::attempt::{Attempt, AttemptKind, AttemptOutcome, Decision, NextStep, ProviderAnswer};
use crate::domain::backoff;
use crate::domain::payment::{AttemptEnd, Claim, Payment};
use crate::domain::provider_report::ProviderError;
use crate::error::Error;
use crate::events::publish;
use crate::store::{customers, payment_attempts, payment_methods, payments};
use crate::{App, jobs, provider_facts};

/// State of an attempt after a result was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    Captured,
    /// Ended without a capture.
    Failed(ProviderError),
    /// The call is to be made again under the same idempotency key.
    RetryCall,
    /// Still unknown.
    Unknown {
        /// Why, for logs.
        code: String,
    },
}

struct Input {
    claim: Claim,
    number: i32,
    answer: ProviderAnswer,
}

/// Applies `answer` to `attempt`.
///
/// A worker whose claim is lost may know less than the one that has it now: only what is certain is applied, which is a capture
/// and the response to a call.
pub(super) async fn apply_result(
    app: &App,
    claim: Claim,
    attempt: &Attempt,
    answer: ProviderAnswer,
) -> Result<AttemptResult, Error> {
    let input = Input {
        claim,
        number: attempt.number,
        answer,
    };
    app.db.transaction("payments.apply_result", input, apply).await
}

async fn apply(tx: &Tx, input: &Input) -> Result<AttemptResult, Error> {
    let mut payment = payments::lock_claimed(tx, input.claim).await?;
    let attempt = payment_attempts::find(tx.conn(), payment.id, input.number)
        .await?
        .context("the attempt is missing")?;
    if attempt.outcome != AttemptOutcome::Open {
        return apply_late(tx, &mut payment, &attempt, &input.answer).await;
    }
    if let (true, ProviderAnswer::Lookup(result)) = (payment.claim_lost, &input.answer)
        && provider_facts::captured(&payment, result).is_none()
    {
        return Ok(AttemptResult::Unknown {
            code: "CLAIM_LOST".to_owned(),
        });
    }
    match attempt.decide(input.answer.clone(), payment.decision_context(tx.now())) {
        Decision::Captured(snapshot) => {
            payment_attempts::end(tx, &attempt, AttemptOutcome::Captured, None).await?;
            provider_facts::record_capture(tx, &mut payment, &snapshot).await?;
            Ok(AttemptResult::Captured)
        }
        Decision::Ended { outcome, error, next } => {
            payment_attempts::end(tx, &attempt, outcome, Some(&error.code)).await?;
            end_attempt(tx, &mut payment, &attempt, &error, next).await?;
            notify_worker(tx, &payment);
            Ok(AttemptResult::Failed(error))
        }
        Decision::RetryCall => Ok(AttemptResult::RetryCall),
        Decision::CheckLater { key_spent, code } => {
            payment_attempts::update_open(tx, &attempt, key_spent, &code).await?;
            payment.check_later(tx.now());
            payments::update(tx, &mut payment).await?;
            notify_worker(tx, &payment);
            Ok(AttemptResult::Unknown { code })
        }
        Decision::AmountConflict => {
            metrics::counter!("payment_alarms_total", "alarm" => "foreign_amount").increment(1);
            tracing::error!(payment_id = %payment.id, "the provider captured another amount under this order");
            payment.schedule(Some(tx.now() + backoff::STUCK_INTERVAL));
            payments::update(tx, &mut payment).await?;
            Ok(AttemptResult::Unknown {
                code: "FOREIGN_AMOUNT".to_owned(),
            })
        }
    }
}

/// Applies a result to an attempt that has ended meanwhile: only a capture still has an effect.
async fn apply_late(
    tx: &Tx,
    payment: &mut Payment,
    attempt: &Attempt,
    answer: &ProviderAnswer,
) -> Result<AttemptResult, Error> {
    let (ProviderAnswer::Call(result) | ProviderAnswer::Lookup(result)) = answer;
    if let Some(snapshot) = provider_facts::captured(payment, result) {
        if payment.paid_at.is_none() {
            payment_attempts::end(tx, attempt, AttemptOutcome::Captured, None).await?;
        }
        provider_facts::record_capture(tx, payment, snapshot).await?;
        return Ok(AttemptResult::Captured);
    }
    let code = attempt.code.clone().unwrap_or_else(|| "CONCLUDED".to_owned());
    Ok(if attempt.outcome == AttemptOutcome::Captured {
        AttemptResult::Captured
    } else {
        AttemptResult::Unknown { code }
    })
}

async fn end_attempt(
    tx: &Tx,
    payment: &mut Payment,
    attempt: &Attempt,
    error: &ProviderError,
    next: NextStep,
) -> Result<(), Error> {
    tracing::info!(payment_id = %payment.id, attempt = attempt.number, code = error.code, ?next, "attempt failed");
    if error.kind.needs_operator() {
        metrics::counter!("payment_alarms_total", "alarm" => "our_fault").increment(1);
        tracing::error!(payment_id = %payment.id, code = error.code, "the provider rejects the request");
    }
    if let (NextStep::RetryOtherMethod, AttemptKind::Billing { method }) = (next, &attempt.kind) {
        // As before each deletion of a card: no other attempt begins with it meanwhile.
        customers::lock(tx, payment.guest_id).await?;
        payment_methods::disable(tx, *method).await?;
        tx.notify_job(jobs::KEY_REMOVALS);
    }
    let end = payment.end_attempt(next, &error.code, tx.now())?;
    payments::update(tx, payment).await?;
    match end {
        AttemptEnd::PaymentFailed => publish::failed(tx, payment),
        AttemptEnd::BookingEnded | AttemptEnd::Continues => {}
    }
    Ok(())
}

/// Wakes the worker, which sleeps until the earliest check it knows of: this one may be earlier.
fn notify_worker(tx: &Tx, payment: &Payment) {
    if payment.next_check_at.is_some() {
        tx.notify_job(jobs::CHARGES);
    }
}
