//! Applying what was heard of an attempt: its end, the payment's state, the books and the events, in one transaction.

use anyhow::Context as _;
use carshare_store::Tx;
use chrono::TimeDelta;

use crate::App;
use crate::domain::attempt::{Attempt, Heard, Judgement, Kind, Next, Outcome};
use crate::domain::backoff;
use crate::domain::finding::Refusal;
use crate::domain::ids::PaymentId;
use crate::domain::payment::{Ended, Payment};
use crate::error::Error;
use crate::jobs;
use crate::events::publish;
use crate::store::{attempts, methods, payments};

use super::record;

/// What is known of an attempt now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The money is taken.
    Paid,
    /// It ended without money.
    Refused(Refusal),
    /// The same call is to be made again.
    Repeat,
    /// Nothing definite.
    Doubt {
        /// Why.
        code: String,
    },
}

struct Input {
    payment_id: PaymentId,
    number: i32,
    heard: Heard,
}

/// Applies what was heard.
pub(super) async fn conclude(app: &App, attempt: &Attempt, heard: Heard) -> Result<Seen, Error> {
    let (payment_id, number) = (attempt.payment_id, attempt.number);
    let input = Input {
        payment_id,
        number,
        heard,
    };
    app.db
        .transaction("payments.conclude", input, apply)
        .await
}

async fn apply(tx: &Tx, input: &Input) -> Result<Seen, Error> {
    let mut payment = payments::lock(tx, input.payment_id).await?;
    let attempt = attempts::find(tx.conn(), input.payment_id, input.number)
        .await?
        .context("the attempt is gone")?;
    if attempt.outcome != Outcome::Open {
        return late(tx, &mut payment, &attempt, input).await;
    }
    match attempt.judge(input.heard.clone(), payment.terms(tx.now())) {
        Judgement::Captured(report) => {
            attempts::end(tx, &attempt, Outcome::Captured, None).await?;
            record::captured(tx, &mut payment, &report).await?;
            Ok(Seen::Paid)
        }
        Judgement::Over {
            outcome,
            refusal,
            next,
        } => {
            attempts::end(tx, &attempt, outcome, Some(&refusal.code)).await?;
            over(tx, &mut payment, &attempt, &refusal, next).await?;
            wake(tx, &payment);
            Ok(Seen::Refused(refusal))
        }
        Judgement::Repeat => Ok(Seen::Repeat),
        Judgement::LookAgain { key_spent, code } => {
            attempts::note(tx, &attempt, key_spent, &code).await?;
            payment.look_again(tx.now());
            payments::update(tx, &mut payment).await?;
            wake(tx, &payment);
            Ok(Seen::Doubt { code })
        }
        Judgement::Foreign => {
            metrics::counter!("payment_alarms_total", "alarm" => "foreign_amount").increment(1);
            tracing::error!(payment_id = %payment.id, "the provider holds another amount under our order");
            payment.next_check_at = Some(tx.now() + TimeDelta::from_std(backoff::STUCK).unwrap_or_default());
            payments::update(tx, &mut payment).await?;
            Ok(Seen::Doubt {
                code: "FOREIGN_AMOUNT".to_owned(),
            })
        }
    }
}

/// The attempt was concluded by somebody else. Only money that is there all the same still counts.
async fn late(tx: &Tx, payment: &mut Payment, attempt: &Attempt, input: &Input) -> Result<Seen, Error> {
    let (Heard::Reply(answer) | Heard::Query(answer)) = &input.heard;
    if let Ok(report) = answer
        && record::is_captured(payment, report)
    {
        if payment.paid_at.is_none() {
            attempts::end(tx, attempt, Outcome::Captured, None).await?;
        }
        record::captured(tx, payment, report).await?;
        return Ok(Seen::Paid);
    }
    let code = attempt.code.clone().unwrap_or_else(|| "CONCLUDED".to_owned());
    Ok(if attempt.outcome == Outcome::Captured {
        Seen::Paid
    } else {
        Seen::Doubt { code }
    })
}

async fn over(
    tx: &Tx,
    payment: &mut Payment,
    attempt: &Attempt,
    refusal: &Refusal,
    next: Next,
) -> Result<(), Error> {
    tracing::info!(payment_id = %payment.id, attempt = attempt.number, code = refusal.code, ?next, "attempt without money");
    if refusal.verdict.alarms() {
        metrics::counter!("payment_alarms_total", "alarm" => "our_fault").increment(1);
        tracing::error!(payment_id = %payment.id, code = refusal.code, "the provider refuses what we send");
    }
    if let (Next::TryOtherMethod, Kind::Billing { method }) = (next, &attempt.kind) {
        methods::disable(tx, *method).await?;
    }
    let ended = payment.end_attempt(next, &refusal.code, tx.now())?;
    payments::update(tx, payment).await?;
    match ended {
        Ended::Failed => publish::failed(tx, payment).await,
        Ended::CalledOff | Ended::GoesOn => Ok(()),
    }
}

/// The worker sleeps until the earliest look it knows of; an earlier one has to wake it.
fn wake(tx: &Tx, payment: &Payment) {
    if payment.next_check_at.is_some() {
        tx.notify_job(jobs::payments::NAME);
    }
}
