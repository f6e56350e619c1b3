//! Background work: due payments and refunds, and the check of the invariants.

mod doctor;
pub mod payments;
pub mod refunds;

use carshare_chassis::Shutdown;
use carshare_store::JobQueueOptions;

use crate::App;

/// Runs everything until `shutdown`; what is at work then is finished.
pub async fn run(app: App, shutdown: Shutdown) {
    let options = JobQueueOptions {
        concurrency: app.worker.slots,
        claim_timeout: app.worker.claim(),
        poll_interval: app.worker.poll(),
    };
    tokio::join!(
        app.db
            .run_job_queue(payments::Payments(app.clone()), options, shutdown.clone()),
        app.db
            .run_job_queue(refunds::Refunds(app.clone()), options, shutdown.clone()),
        doctor::run(&app, shutdown.clone()),
    );
}
