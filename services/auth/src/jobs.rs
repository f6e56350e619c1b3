//! Background work: copies revocations to Redis, deletes old audit events.

mod copy_revocations;

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;

const PURGE_INTERVAL: Duration = Duration::from_hours(1);

/// Runs all jobs until `shutdown`.
pub async fn run(app: &App, shutdown: Shutdown) {
    let copy = Schedule::every(
        &app.db,
        "copy_revocations",
        app.config.jobs.copy_revocations_every,
    );
    let purge = Schedule::every(&app.db, "purge_audit_events", PURGE_INTERVAL);
    tokio::join!(
        copy.run(shutdown.clone(), || copy_revocations::handle(app)),
        purge.run(shutdown, || app.audit.purge()),
    );
}
