//! The doctor: checks the books against the payments now and then, and raises an alarm. It heals nothing.

use carshare_chassis::Shutdown;
use carshare_store::Lease;

use crate::App;
use crate::error::Error;
use crate::store::invariants;

/// Runs until `shutdown`, in one replica at a time.
pub(super) async fn run(app: &App, shutdown: Shutdown) {
    let period = app.worker.doctor();
    Lease::run_every(&app.db, "payment_doctor", period, || examine(app), shutdown).await;
}

async fn examine(app: &App) -> Result<(), Error> {
    let breaches = invariants::breaches(app.db.read()).await?;
    metrics::gauge!("payment_invariant_breaches").set(breaches.len() as f64);
    for breach in breaches {
        tracing::error!(
            rule = breach.rule,
            subject = breach.subject,
            "the books are wrong"
        );
    }
    Ok(())
}
