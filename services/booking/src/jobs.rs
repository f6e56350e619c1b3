//! Timers: what happens to bookings because time passes. One replica at a time does each of them.

mod cancel_unpaid;
mod expire_pending;

use std::future::Future;

use carshare_chassis::Shutdown;
use carshare_store::Lease;

use crate::App;
use crate::domain::BookingId;
use crate::error::Error;

/// Bookings looked at in one go.
const BATCH: u64 = 100;

/// Runs all timers until `shutdown`.
pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.booking.timer_period;
    tokio::join!(
        Lease::run_every(
            &app.db,
            "expire_pending",
            period,
            || expire_pending::run(app),
            shutdown.clone()
        ),
        Lease::run_every(
            &app.db,
            "cancel_unpaid",
            period,
            || cancel_unpaid::run(app),
            shutdown.clone()
        ),
    );
}

/// Handles each of a batch. One that fails does not hold up the others; it is tried again the next time.
async fn each<R>(due: Vec<BookingId>, handle: impl Fn(BookingId) -> R) -> Result<bool, Error>
where
    R: Future<Output = Result<(), Error>>,
{
    let full = due.len() as u64 == BATCH;
    let mut failed = None;
    for id in due {
        if let Err(error) = handle(id).await {
            tracing::error!(booking_id = %id, error = ?error, "the timer of a booking failed");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(full), Err)
}
