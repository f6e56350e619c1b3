//! Background work: copies revocations to Redis.

mod copy_revocations;

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;

/// Runs all jobs until `shutdown`.
pub async fn run(app: &App, shutdown: Shutdown) {
    let copy = Schedule::every(
        &app.db,
        "copy_revocations",
        app.config.jobs.copy_revocations_every,
    );
    copy.run(shutdown, || copy_revocations::handle(app)).await;
}
