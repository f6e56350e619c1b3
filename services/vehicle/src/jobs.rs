//! Periodic jobs.

pub mod erase_fleets;
mod sweep_holds;
pub mod sweep_uploads;

use carshare_chassis::Shutdown;

use crate::App;

/// Runs all jobs until `shutdown`.
pub async fn run(app: &App, shutdown: Shutdown) {
    tokio::join!(
        sweep_holds::run(app, shutdown.clone()),
        sweep_uploads::run(app, shutdown.clone()),
        Box::pin(erase_fleets::run(app, shutdown)),
    );
}
