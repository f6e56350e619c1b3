//! The doctor: checks what changed lately of the books and the payments, and how long outcomes have been unknown. It raises
//! alarms and heals nothing.

use carshare_chassis::Shutdown;
use carshare_store::Lease;
use chrono::TimeDelta;

use crate::App;
use crate::error::Error;
use crate::store::{invariants, unknown};

/// What changed earlier was looked at often enough.
const LATELY: TimeDelta = TimeDelta::hours(24);

/// Runs until `shutdown`, in one replica at a time.
pub(super) async fn run(app: &App, shutdown: Shutdown) {
    let period = app.worker.doctor();
    Lease::run_every(&app.db, "payment_invariant_check", period, || examine(app), shutdown).await;
}

async fn examine(app: &App) -> Result<(), Error> {
    let breaches = invariants::breaches(app.db.conn(), app.now() - LATELY).await?;
    metrics::gauge!("payment_invariant_breaches").set(breaches.len() as f64);
    let oldest = unknown::oldest(app.db.conn()).await?;
    for (what, since) in [("charge", oldest.charge), ("refund", oldest.refund)] {
        let age = since.map_or(0.0, |since| (app.now() - since).as_seconds_f64().max(0.0));
        metrics::gauge!("payment_unknown_oldest_seconds", "what" => what).set(age);
    }
    for breach in breaches {
        tracing::error!(
            rule = breach.rule,
            subject = breach.subject,
            "the books are wrong"
        );
    }
    Ok(())
}
