//! Work that nobody waits for: payments and refunds that are due, and the check of the books.

mod doctor;
mod payments;
mod queue;
mod refunds;

use carshare_chassis::Shutdown;

use crate::App;

/// Runs everything until `shutdown`; what is at work then is finished.
pub async fn run(app: App, shutdown: Shutdown) {
    tokio::join!(
        queue::run(payments::Payments(app.clone()), &app, shutdown.clone()),
        queue::run(refunds::Refunds(app.clone()), &app, shutdown.clone()),
        doctor::run(&app, shutdown.clone()),
    );
}
