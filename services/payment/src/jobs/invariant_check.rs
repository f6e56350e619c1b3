//! Checks the invariants of recently changed rows, and measures how long outcomes have been unknown. Reports only.

use chrono::TimeDelta;

use crate::App;
use crate::error::Error;
use crate::store::{invariants, unresolved};

/// Age up to which changes are checked: far longer than the interval, so that each is checked many times.
const LOOKBACK: TimeDelta = TimeDelta::hours(24);

pub(super) async fn check(app: &App) -> Result<(), Error> {
    let breaches = invariants::breaches(app.db.conn(), app.now() - LOOKBACK).await?;
    metrics::gauge!("payment_invariant_breaches").set(breaches.len() as f64);
    let oldest = unresolved::oldest(app.db.conn()).await?;
    for (what, since) in [("charge", oldest.charge), ("refund", oldest.refund)] {
        let age = since.map_or(0.0, |since| (app.now() - since).as_seconds_f64().max(0.0));
        metrics::gauge!("payment_unknown_oldest_seconds", "what" => what).set(age);
    }
    let overdue = oldest
        .reconciliation
        .map_or(0.0, |due| (app.now() - due).as_seconds_f64().max(0.0));
    metrics::gauge!("payment_reconciliation_lag_seconds").set(overdue);
    for breach in breaches {
        tracing::error!(rule = breach.rule, subject = breach.subject, "invariant violated");
    }
    Ok(())
}
