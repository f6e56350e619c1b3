//! Background work: due charges and refunds, reconciliation with the provider, the check of the invariants, and retention.

mod invariant_check;
mod queues;
mod reconciliation;

use carshare_chassis::Shutdown;
use carshare_store::{JobQueueOptions, Lease, delete_expired};

use crate::App;
use crate::store::EXPIRED;
use queues::{Charges, Refunds, TableQueue};
use reconciliation::Reconciliations;

/// Name of the job that charges payments, for [`carshare_store::Tx::notify_job`].
pub const CHARGES: &str = "charge_payment";
/// Name of the job that makes refunds.
pub const REFUNDS: &str = "refund_payment";

/// Runs all jobs until `shutdown`; work in progress is finished.
pub async fn run(app: &App, shutdown: Shutdown) {
    let options = JobQueueOptions {
        concurrency: app.worker.concurrency,
        claim_timeout: app.worker.claim_timeout,
        poll_interval: app.worker.poll_interval,
    };
    let lookups = JobQueueOptions {
        concurrency: 1,
        ..options
    };
    let db = &app.db;
    let reconciliations = TableQueue::<Reconciliations>::new(app).paced(app.reconciliation.lookup_interval());
    let invariants = Lease::every(db, "payment_invariant_check", app.worker.invariant_check_interval);
    let retention = Lease::every(db, "payment_retention", app.worker.retention_interval);
    tokio::join!(
        db.run_job_queue(TableQueue::<Charges>::new(app), options, shutdown.clone()),
        db.run_job_queue(TableQueue::<Refunds>::new(app), options, shutdown.clone()),
        db.run_job_queue(reconciliations, lookups, shutdown.clone()),
        invariants.run(shutdown.clone(), || invariant_check::check(app)),
        retention.run(shutdown, || delete_expired(db, &EXPIRED)),
    );
}
