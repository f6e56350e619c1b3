//! Background work: due charges and refunds, settlements, deletion of billing keys, reconciliation with the provider, the check of the
//! invariants, gauges.

mod invariant_check;
mod measure;
mod queues;
mod reconciliation;
mod settlements;

use carshare_chassis::Shutdown;
use carshare_store::{JobQueueOptions, Schedule};

use crate::App;
use queues::{Charges, KeyRemovals, Refunds, TableQueue};
use reconciliation::Reconciliations;

/// Name of the job that charges payments, for [`carshare_store::Tx::notify_job`].
pub const CHARGES: &str = "charge_payment";
/// Name of the job that makes refunds.
pub const REFUNDS: &str = "refund_payment";

/// Name of the job that deletes billing keys.
pub const KEY_REMOVALS: &str = "remove_billing_key";

/// Runs all jobs until `shutdown`; work in progress is finished.
pub async fn run(app: &App, shutdown: Shutdown) {
    let options = JobQueueOptions {
        concurrency: app.worker.concurrency,
        claim_timeout: app.worker.claim_timeout,
        poll_interval: app.worker.poll_interval,
    };
    let one_at_a_time = JobQueueOptions {
        concurrency: 1,
        ..options
    };
    let db = &app.db;
    let reconciliations = TableQueue::<Reconciliations>::new(app).paced(app.reconciliation.lookup_interval());
    let invariants = Schedule::every(db, "payment_invariant_check", app.worker.invariant_check_interval)
        .on_claimed_elsewhere(invariant_check::forget);
    let measures =
        Schedule::every(db, "payment_measure", measure::INTERVAL).on_claimed_elsewhere(measure::forget);
    let settlements = Schedule::every(db, "create_settlements", app.settlement.every);
    tokio::join!(
        db.run_job_queue(TableQueue::<Charges>::new(app), options, shutdown.clone()),
        db.run_job_queue(TableQueue::<Refunds>::new(app), options, shutdown.clone()),
        db.run_job_queue(reconciliations, one_at_a_time, shutdown.clone()),
        db.run_job_queue(
            TableQueue::<KeyRemovals>::new(app),
            one_at_a_time,
            shutdown.clone()
        ),
        settlements.run(shutdown.clone(), || settlements::create(app)),
        measures.run(shutdown.clone(), || measure::measure(app)),
        invariants.run(shutdown, || invariant_check::check(app)),
    );
}
