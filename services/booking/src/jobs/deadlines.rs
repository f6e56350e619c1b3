//! Applies deadlines that have passed: requests expire, unpaid bookings and no-shows are cancelled, overdue rentals completed. Changes that are
//! not answered or paid in time are closed, and those of bookings that have ended. Claims are approved without an objection, and closed without
//! a payment.
//!
//! Every replica may run it: a booking that another one has locked is skipped, and its state is checked under the lock.

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::{Schedule, Tx};

use crate::domain::booking::RETURN_GRACE;
use crate::domain::{Actor, BookingId};
use crate::error::Error;
use crate::store::{booking_changes, booking_claims, bookings};
use crate::{App, apply_booking_change, apply_change, apply_claim};

/// Bookings in one query.
const BATCH: u64 = 100;

pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.booking.timer_period;
    Schedule::run_every(&app.db, "booking_deadlines", period, || apply_all(app), shutdown).await;
}

/// What a deadline is of.
#[derive(Clone, Copy)]
enum Subject {
    Change,
    Booking,
    Claim,
}

/// Applies the deadlines of changes first: the end of a booking is often that of its change too, which then has expired and was not cancelled.
async fn apply_all(app: &App) -> Result<(), Error> {
    let changes = apply_due(app, Subject::Change).await;
    let bookings = apply_due(app, Subject::Booking).await;
    let claims = apply_due(app, Subject::Claim).await;
    changes.and(bookings).and(claims)
}

async fn list_due(app: &App, subject: Subject) -> Result<Vec<BookingId>, Error> {
    let (conn, now) = (app.db.conn(), app.environment.clock.now());
    match subject {
        Subject::Change => booking_changes::list_due(conn, now, BATCH).await,
        Subject::Claim => booking_claims::list_due(conn, now, BATCH).await,
        Subject::Booking => bookings::list_due(conn, now, now - RETURN_GRACE, BATCH).await,
    }
}

/// Applies all due deadlines. A booking that fails does not hold up the others; it is tried again in the next run.
async fn apply_due(app: &App, subject: Subject) -> Result<(), Error> {
    loop {
        let due = list_due(app, subject).await?;
        let is_full = due.len() as u64 == BATCH;
        let (mut failed, mut applied) = (None, false);
        for id in due {
            let passed = match subject {
                Subject::Change => {
                    app.db
                        .transaction("booking_changes.deadline", id, pass_change_deadline)
                        .await
                }
                Subject::Claim => {
                    let input = (id, app.config.claims.pay_within);
                    app.db
                        .transaction("booking_claims.deadline", input, pass_claim_deadlines)
                        .await
                }
                Subject::Booking => app.db.transaction("bookings.deadline", id, pass_deadline).await,
            };
            match passed {
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
    count_on_commit(tx, reason.unwrap_or("overdue"));
    apply_change::update(tx, &mut booking, change, Actor::Timer).await?;
    Ok(true)
}

/// Closes the open change of a booking if its deadline has passed, as [`pass_deadline`] does for bookings.
async fn pass_change_deadline(tx: &Tx, &id: &BookingId) -> Result<bool, Error> {
    let Some(mut booking) = bookings::lock_if_free(tx.conn(), id).await? else {
        return Ok(false);
    };
    let Some(open) = booking.open_change else {
        return Ok(false);
    };
    let Some(mut change) = booking_changes::find_of(tx.conn(), id, open).await? else {
        return Ok(false);
    };
    if !booking.pass_change_deadline(&mut change, tx.now()) {
        return Ok(false);
    }
    count_on_commit(tx, change.reason());
    apply_booking_change::update(tx, &mut booking, &mut change, Actor::Timer).await?;
    Ok(true)
}

/// Approves or closes the claims of a booking of which the deadline has passed, as [`pass_deadline`] does for bookings.
async fn pass_claim_deadlines(tx: &Tx, &(id, pay_within): &(BookingId, Duration)) -> Result<bool, Error> {
    let Some(mut booking) = bookings::lock_if_free(tx.conn(), id).await? else {
        return Ok(false);
    };
    let mut has_passed = false;
    for mut claim in booking_claims::list(tx.conn(), id).await? {
        if claim.pass_deadline(pay_within, tx.now()) {
            has_passed = true;
            count_on_commit(tx, claim.reason());
            apply_claim::update(tx, &mut booking, &mut claim, Actor::Timer).await?;
        }
    }
    Ok(has_passed)
}

fn count_on_commit(tx: &Tx, outcome: &'static str) {
    tx.on_commit(move || {
        metrics::counter!("booking_deadlines_total", "outcome" => outcome).increment(1);
    });
}
