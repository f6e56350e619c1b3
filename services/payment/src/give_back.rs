//! Giving money back: one refund a step on. Like a charge, it is written down before the provider is asked, asked about
//! when its outcome is not known, and repeated under the same idempotency key only while that was never answered.

use carshare_store::Tx;
use chrono::TimeDelta;

use crate::App;
use crate::collect::record;
use crate::domain::finding::{Answer, Refusal, Verdict};
use crate::domain::ids::{PaymentId, RefundId};
use crate::domain::payment::Payment;
use crate::domain::refund::{Refund, RefundState, RefundStep};
use crate::error::Error;
use crate::jobs;
use crate::provider::{Cancel, Lookup};
use crate::store::{payments, refunds};

/// What was heard, and how.
enum Heard {
    Reply(Answer),
    Query(Answer),
}

struct Input {
    payment_id: PaymentId,
    refund_id: RefundId,
    heard: Heard,
}

/// Takes a refund one step on.
pub async fn look(app: &App, id: RefundId) -> Result<(), Error> {
    let conn = app.db.conn();
    let Some(refund) = refunds::find(conn, id).await? else {
        return Ok(());
    };
    let Some(payment) = payments::find(conn, refund.payment_id).await? else {
        return Ok(());
    };
    let Some(payment_key) = payment.payment_key.clone() else {
        return Err(anyhow::anyhow!("refund {id} of a payment that was never captured").into());
    };
    let heard = match refund.step() {
        RefundStep::Rest => return Ok(()),
        RefundStep::Query => Heard::Query(app.provider.find(Lookup::Key(payment_key)).await),
        RefundStep::Call => match begin(app, &refund, payment_key).await? {
            Some(cancel) => Heard::Reply(app.provider.cancel(cancel).await),
            None => return Ok(()),
        },
    };
    let input = Input {
        payment_id: payment.id,
        refund_id: id,
        heard,
    };
    app.db
        .transaction("refunds.conclude", input, conclude)
        .await
}

/// Writes down that the provider is about to be asked.
async fn begin(app: &App, refund: &Refund, payment_key: String) -> Result<Option<Cancel>, Error> {
    let input = (refund.payment_id, refund.id, payment_key, app.claim());
    app.db
        .transaction("refunds.begin", input, begun)
        .await
}

async fn begun(
    tx: &Tx,
    (payment_id, refund_id, payment_key, claim): &(PaymentId, RefundId, String, TimeDelta),
) -> Result<Option<Cancel>, Error> {
    let payment = payments::lock(tx, *payment_id).await?;
    let due = refunds::lock(tx, *refund_id)
        .await?
        .filter(|refund| refund.state == RefundState::Due);
    let Some(mut refund) = due else { return Ok(None) };
    let goes = refund.call(payment.balance_krw(), tx.now() + *claim);
    refunds::update(tx, &refund).await?;
    Ok(goes.then(|| Cancel {
        payment_key: payment_key.clone(),
        amount_krw: refund.amount_krw,
        balance_krw: payment.balance_krw(),
        reason: refund.reason(),
        idempotency_key: refund.idempotency_key(),
    }))
}

async fn conclude(tx: &Tx, input: &Input) -> Result<(), Error> {
    let mut payment = payments::lock(tx, input.payment_id).await?;
    let (Heard::Reply(answer) | Heard::Query(answer)) = &input.heard;
    if let Ok(report) = answer
        && record::is_captured(&payment, report)
    {
        record::cancels(tx, &mut payment, &report.cancels).await?;
    }
    let open = refunds::lock(tx, input.refund_id)
        .await?
        .filter(|refund| refund.state == RefundState::Unknown);
    let Some(mut refund) = open else { return Ok(()) };
    match &input.heard {
        Heard::Reply(Err(refusal)) => refused(&mut refund, refusal, &payment, tx),
        Heard::Reply(Ok(_)) => {
            // Answered, and the cancel is not among those that are done: a query will tell.
            refused(
                &mut refund,
                &Refusal::new(Verdict::Unknown { key_spent: true }, "CANCEL_NOT_SEEN"),
                &payment,
                tx,
            );
        }
        Heard::Query(Ok(_)) => refund.not_there(tx.now()),
        Heard::Query(Err(_)) => refund.look_again(tx.now()),
    }
    refunds::update(tx, &refund).await?;
    tx.notify_job(jobs::refunds::NAME);
    Ok(())
}

fn refused(refund: &mut Refund, refusal: &Refusal, payment: &Payment, tx: &Tx) {
    metrics::counter!("payment_refund_refusals_total", "verdict" => refusal.verdict.as_str()).increment(1);
    if !matches!(refusal.verdict, Verdict::Unknown { .. }) {
        metrics::counter!("payment_alarms_total", "alarm" => "refund_stuck").increment(1);
        tracing::error!(payment_id = %payment.id, refund_id = %refund.id, code = refusal.code, "refund refused");
    }
    refund.refused(refusal, tx.now());
}
