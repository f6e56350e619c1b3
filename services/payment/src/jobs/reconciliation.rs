//! Compares finished payments with the provider, so that captures and cancels whose webhook was lost are recorded. Each
//! payment is looked up at every interval until [`Payment::reconciled_until`], at a bounded rate, by any replica.

use carshare_store::{ClaimedRow, Tx};
use chrono::{DateTime, Utc};

use super::queues::Work;
use crate::config;
use crate::domain::ids::PaymentId;
use crate::domain::payment::Payment;
use crate::domain::provider_report::{ErrorKind, ProviderResult};
use crate::error::Error;
use crate::store::payments;
use crate::store::queue::Queue;
use crate::{App, provider_facts};

pub(super) struct Reconciliations;

impl Work for Reconciliations {
    const NAME: &'static str = "reconcile_payment";
    const QUEUE: Queue = payments::RECONCILIATIONS;

    /// Looks up one payment. While the provider is unavailable the row comes back whenever its claim ends.
    async fn step(app: &App, row: ClaimedRow) -> Result<(), Error> {
        let id = PaymentId(row.id);
        let Some(payment) = payments::find(app.db.conn(), id).await? else {
            return Ok(());
        };
        let mut result = None;
        // A scheduled check looks it up anyway.
        if payment.next_check_at.is_none() {
            match app.provider.find(provider_facts::lookup(&payment)).await {
                Err(error) if error.kind != ErrorKind::NotFound => {
                    tracing::info!(payment_id = %payment.id, code = error.code, "lookup at the provider failed");
                    return Ok(());
                }
                found => result = Some(found),
            }
        }
        let input = Input {
            id,
            result,
            next_at: next_at(&payment, app.now(), &app.reconciliation),
        };
        app.db.transaction("payments.compare", input, compare).await
    }
}

struct Input {
    id: PaymentId,
    /// `None` when the provider was not asked.
    result: Option<ProviderResult>,
    next_at: Option<DateTime<Utc>>,
}

/// Returns when a payment is looked up next; `None` after its window.
fn next_at(payment: &Payment, now: DateTime<Utc>, config: &config::Reconciliation) -> Option<DateTime<Utc>> {
    let next = now + config.interval;
    (next < payment.reconciled_until(config.window)).then_some(next)
}

async fn compare(tx: &Tx, input: &Input) -> Result<(), Error> {
    let mut payment = payments::lock(tx, input.id).await?;
    // The schedule of checks is not this job's.
    payment.claim_lost = true;
    if let Some(result) = &input.result {
        let recorded = (payment.paid_at, payment.refunded_krw);
        let captured = provider_facts::captured(&payment, result);
        if let Some(snapshot) = captured {
            provider_facts::record_capture(tx, &mut payment, snapshot).await?;
        }
        if recorded != (payment.paid_at, payment.refunded_krw) {
            metrics::counter!("payment_reconciliation_findings_total").increment(1);
            tracing::warn!(payment_id = %payment.id, "the provider had a capture or cancel without a webhook");
        }
        let cancelled_krw =
            captured.map(|snapshot| snapshot.cancels.iter().map(|cancel| cancel.amount_krw).sum());
        if payment.paid_at.is_some() && cancelled_krw != Some(payment.refunded_krw) {
            metrics::counter!("payment_alarms_total", "alarm" => "provider_difference").increment(1);
            tracing::error!(payment_id = %payment.id, cancelled_krw, "the provider does not have what is recorded");
        }
    }
    payments::schedule_reconciliation(tx, payment.id, input.next_at).await
}
