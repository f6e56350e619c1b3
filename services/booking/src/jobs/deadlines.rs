//! Applies deadlines that have passed: requests expire, unpaid bookings and no-shows are cancelled, overdue rentals completed.
//!
//! Every replica may run it: a booking that another one has locked is skipped, and its state is checked under the lock.

use carshare_chassis::Shutdown;
use carshare_store::{Schedule, Tx};

use crate::domain::booking::RETURN_GRACE;
use crate::domain::{Actor, BookingId};
use crate::error::Error;
use crate::store::bookings;
use crate::{App, apply_change};

/// Bookings in one query.
const BATCH: u64 = 100;

pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.booking.timer_period;
    Schedule::run_every(&app.db, "booking_deadlines", period, || apply_due(app), shutdown).await;
}

/// Applies all due deadlines. A booking that fails does not hold up the others; it is tried again in the next run.
async fn apply_due(app: &App) -> Result<(), Error> {
    loop {
        let now = app.environment.clock.now();
        let due = bookings::list_due(app.db.conn(), now, now - RETURN_GRACE, BATCH).await?;
        let is_full = due.len() as u64 == BATCH;
        let (mut failed, mut applied) = (None, false);
        for id in due {
            match app.db.transaction("bookings.deadline", id, pass_deadline).await {
                Ok(passed) => applied |= passed,
                Err(error) => {
                    tracing::error!(booking_id = %id, error = ?error, "a deadline was not applied");
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) => return Err(error),
            None if is_full && applied => {}
            None => return Ok(()),
        }
    }
}

/// Applies the deadline of a booking, unless it is locked or was changed in the meantime. Returns whether it did.
async fn pass_deadline(tx: &Tx, &id: &BookingId) -> Result<bool, Error> {
    let Some(mut booking) = bookings::lock_if_free(tx.conn(), id).await? else {
        return Ok(false);
    };
    let Some(change) = booking.pass_deadline(tx.now()) else {
        return Ok(false);
    };
    let reason = booking
        .cancellation
        .as_ref()
        .map(|cancellation| cancellation.reason.as_str());
    let outcome = reason.unwrap_or("overdue");
    tx.on_commit(move || {
        metrics::counter!("booking_deadlines_total", "outcome" => outcome).increment(1);
    });
    apply_change::update(tx, &mut booking, change, Actor::Timer).await?;
    Ok(true)
}
