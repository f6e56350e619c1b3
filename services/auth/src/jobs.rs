//! Background work: copies revocations to Redis and deletes expired rows.

mod copy_revocations;
mod purge;

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;

/// Runs all jobs until `shutdown`.
pub async fn run(app: &App, shutdown: Shutdown) {
    let jobs = &app.config.jobs;
    let copy = Schedule::every(&app.db, "copy_revocations", jobs.copy_revocations_every);
    let purge = Schedule::every(&app.db, "purge", jobs.purge_every);
    tokio::join!(
        copy.run(shutdown.clone(), || copy_revocations::handle(app)),
        purge.run(shutdown, || purge::handle(app)),
    );
}
