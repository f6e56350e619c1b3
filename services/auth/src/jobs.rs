//! Background work: copies revocations to Redis, sends mails, finishes deletions of accounts, deletes old audit events and files of profile images.

mod copy_revocations;
mod finish_deletions;
mod send_mails;
pub mod sweep_profile_images;

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;

const PURGE_INTERVAL: Duration = Duration::from_hours(1);

/// Runs all jobs until `shutdown`; work in progress is finished.
pub async fn run(app: &App, shutdown: Shutdown) {
    let copy = Schedule::every(
        &app.db,
        "copy_revocations",
        app.config.jobs.copy_revocations_every,
    );
    let purge = Schedule::every(&app.db, "purge_audit_events", PURGE_INTERVAL);
    let sweep = Schedule::every(
        &app.db,
        "sweep_profile_images",
        app.config.jobs.sweep_profile_images_every,
    );
    let deletions = Schedule::every(
        &app.db,
        "finish_deletions",
        app.config.jobs.finish_deletions_every,
    );
    tokio::join!(
        copy.run(shutdown.clone(), || copy_revocations::handle(app)),
        purge.run(shutdown.clone(), || app.audit.purge()),
        sweep.run(shutdown.clone(), || sweep_profile_images::handle(app)),
        deletions.run(shutdown.clone(), || finish_deletions::handle(app)),
        send_mails::run(app, shutdown),
    );
}
