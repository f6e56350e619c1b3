//! Background work: due payments, due refunds, and the check of the invariants.

mod invariant_check;
pub mod payments;
pub mod refunds;

use carshare_chassis::Shutdown;
use carshare_store::JobQueueOptions;

use crate::App;
use payments::PaymentQueue;
use refunds::RefundQueue;

/// Runs all jobs until `shutdown`; work in progress is finished.
pub async fn run(app: &App, shutdown: Shutdown) {
    let options = JobQueueOptions {
        concurrency: app.worker.concurrency,
        claim_timeout: app.worker.claim_timeout,
        poll_interval: app.worker.poll_interval,
    };
    let (payments, refunds) = (PaymentQueue(app.clone()), RefundQueue(app.clone()));
    tokio::join!(
        app.db.run_job_queue(payments, options, shutdown.clone()),
        app.db.run_job_queue(refunds, options, shutdown.clone()),
        invariant_check::run(app, shutdown.clone()),
    );
}
