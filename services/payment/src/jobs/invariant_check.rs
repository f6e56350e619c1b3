//! Checks the invariants of recently changed rows, and measures how long outcomes have been unknown. Reports only.

use carshare_chassis::Shutdown;
use carshare_store::Schedule;
use chrono::TimeDelta;

use crate::App;
use crate::error::Error;
use crate::store::{invariants, unresolved};

/// Name of the job.
const NAME: &str = "payment_invariant_check";

/// Age up to which changes are checked: far longer than the interval, so that each is checked many times.
const LOOKBACK: TimeDelta = TimeDelta::hours(24);

/// Runs the job until `shutdown`, in one replica at a time.
pub(super) async fn run(app: &App, shutdown: Shutdown) {
    let interval = app.worker.invariant_check_interval;
    Schedule::run_every(&app.db, NAME, interval, || check(app), shutdown).await;
}

async fn check(app: &App) -> Result<(), Error> {
    let breaches = invariants::breaches(app.db.conn(), app.now() - LOOKBACK).await?;
    metrics::gauge!("payment_invariant_breaches").set(breaches.len() as f64);
    let oldest = unresolved::oldest(app.db.conn()).await?;
    for (what, since) in [("charge", oldest.charge), ("refund", oldest.refund)] {
        let age = since.map_or(0.0, |since| (app.now() - since).as_seconds_f64().max(0.0));
        metrics::gauge!("payment_unknown_oldest_seconds", "what" => what).set(age);
    }
    for breach in breaches {
        tracing::error!(rule = breach.rule, subject = breach.subject, "invariant violated");
    }
    Ok(())
}
