//! What the worker does with a payment that it has claimed.

use carshare_store::Tx;

use crate::App;
use crate::domain::attempt::{Attempt, Heard};
use crate::domain::finding::{Answer, Verdict};
use crate::domain::ids::PaymentId;
use crate::domain::payment::{Payment, State};
use crate::error::Error;
use crate::provider::Lookup;
use crate::store::{attempts, payments};

use super::conclude::{Seen, conclude};
use super::{begin, call, record};

/// Takes a payment one step on: resolves an attempt whose outcome is not known, begins one that is due, or looks up what
/// the provider holds.
pub async fn look(app: &App, id: PaymentId) -> Result<(), Error> {
    let conn = app.db.conn();
    let Some(payment) = payments::find(conn, id).await? else {
        return Ok(());
    };
    match attempts::find_open(conn, id).await? {
        Some(attempt) => resolve(app, &payment, &attempt).await.map(drop),
        None if payment.state == State::Due && payment.may_call(app.now()) => charge(app, payment).await,
        None => {
            let answer = app.provider.find(lookup(&payment)).await;
            recheck(app, id, answer).await
        }
    }
}

/// Asks what became of an attempt, and makes its call again when it never arrived.
pub(super) async fn resolve(app: &App, payment: &Payment, attempt: &Attempt) -> Result<Seen, Error> {
    let answer = call::ask(app, payment, attempt).await;
    match conclude(app, attempt, Heard::Query(answer)).await? {
        Seen::Repeat => {
            let answer = call::perform(app, payment, attempt).await?;
            conclude(app, attempt, Heard::Reply(answer)).await
        }
        seen => Ok(seen),
    }
}

/// Charges the guest's card. Before a second attempt the provider is asked what it has: that tells the attempts apart
/// later, and nothing is charged that is paid already.
async fn charge(app: &App, payment: Payment) -> Result<(), Error> {
    let mut preceding_key = None;
    if payment.last_attempt > 0 {
        match app.provider.find(Lookup::Order(payment.order_id.clone())).await {
            Ok(report) if !record::is_captured(&payment, &report) => preceding_key = Some(report.payment_key),
            Err(refusal) if refusal.verdict == Verdict::NotFound => {}
            captured_or_unclear => return recheck(app, payment.id, captured_or_unclear).await,
        }
    }
    let Some((payment, attempt)) = begin::charge(app, payment.id, preceding_key).await? else {
        return Ok(());
    };
    let answer = call::perform(app, &payment, &attempt).await?;
    conclude(app, &attempt, Heard::Reply(answer)).await.map(drop)
}

fn lookup(payment: &Payment) -> Lookup {
    match &payment.payment_key {
        Some(key) => Lookup::Key(key.clone()),
        None => Lookup::Order(payment.order_id.clone()),
    }
}

/// Applies what the provider holds to a payment without an open attempt.
async fn recheck(app: &App, id: PaymentId, answer: Answer) -> Result<(), Error> {
    let input = (id, answer);
    app.db
        .transaction("payments.recheck", input, apply)
        .await
}

async fn apply(tx: &Tx, (id, answer): &(PaymentId, Answer)) -> Result<(), Error> {
    let mut payment = payments::lock(tx, *id).await?;
    match answer {
        _ if payment.state == State::Unknown => return Ok(()),
        Ok(report) if record::is_captured(&payment, report) => {
            return record::captured(tx, &mut payment, report).await;
        }
        Ok(_) => payment.rest(),
        Err(refusal) if refusal.verdict == Verdict::NotFound => payment.rest(),
        Err(refusal) => {
            tracing::info!(payment_id = %id, code = refusal.code, "the provider cannot be asked");
            payment.look_again(tx.now());
        }
    }
    payments::update(tx, &mut payment).await
}
