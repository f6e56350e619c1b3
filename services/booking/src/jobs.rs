//! Periodic jobs.

mod count_bookings;
mod deadlines;
pub mod erase_bookings;
pub mod post_reviews;
mod sweep_photos;

use carshare_chassis::Shutdown;

use crate::App;

/// Runs all jobs until `shutdown`.
pub async fn run(app: &App, shutdown: Shutdown) {
    tokio::join!(
        count_bookings::run(app, shutdown.clone()),
        deadlines::run(app, shutdown.clone()),
        erase_bookings::run(app, shutdown.clone()),
        post_reviews::run(app, shutdown.clone()),
        sweep_photos::run(app, shutdown),
    );
}
