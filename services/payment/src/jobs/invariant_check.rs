//! Checks the invariants of recently changed rows. Reports only.

use chrono::TimeDelta;

use crate::App;
use crate::error::Error;
use crate::store::invariants;

/// Age up to which changes are checked: far longer than the interval, so that each is checked many times.
const LOOKBACK: TimeDelta = TimeDelta::hours(24);

pub(super) async fn check(app: &App) -> Result<(), Error> {
    let breaches = invariants::breaches(app.db.conn(), app.now() - LOOKBACK).await?;
    set(breaches.len() as f64);
    for breach in breaches {
        tracing::error!(rule = breach.rule, subject = breach.subject, "invariant violated");
    }
    Ok(())
}

/// Called when another process has checked since.
pub(super) fn forget() {
    set(f64::NAN);
}

fn set(breaches: f64) {
    metrics::gauge!("payment_invariant_breaches").set(breaches);
}
