//! Periodic jobs.

mod deadlines;

use carshare_chassis::Shutdown;

use crate::App;

/// Runs all jobs until `shutdown`.
pub async fn run(app: &App, shutdown: Shutdown) {
    deadlines::run(app, shutdown).await;
}
