//! Background work: due pushes.

pub mod pushes;

use carshare_chassis::Shutdown;

use crate::App;

/// Runs all jobs until `shutdown`; work in progress is finished.
pub async fn run(app: &App, shutdown: Shutdown) {
    pushes::run(app, shutdown).await;
}
