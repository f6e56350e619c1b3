//! Deadlines of bookings.

mod cancel_unpaid;
mod expire_pending;

use std::future::Future;

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;
use crate::domain::BookingId;
use crate::error::Error;

/// Bookings in one query.
const BATCH: u64 = 100;

/// Runs all jobs until `shutdown`.
pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.booking.timer_period;
    tokio::join!(
        Schedule::run_every(
            &app.db,
            "expire_pending",
            period,
            || expire_pending::run(app),
            shutdown.clone()
        ),
        Schedule::run_every(
            &app.db,
            "cancel_unpaid",
            period,
            || cancel_unpaid::run(app),
            shutdown.clone()
        ),
    );
}

/// Handles each booking of a batch. One that fails does not hold up the others and is handled again in the next run.
async fn each<R>(due: Vec<BookingId>, handle: impl Fn(BookingId) -> R) -> Result<bool, Error>
where
    R: Future<Output = Result<(), Error>>,
{
    let full = due.len() as u64 == BATCH;
    let mut failed = None;
    for id in due {
        if let Err(error) = handle(id).await {
            tracing::error!(booking_id = %id, error = ?error, "the deadline of a booking was not applied");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(full), Err)
}
