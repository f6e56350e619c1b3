//! Deletes expired holds and past occupancies.
//!
//! Housekeeping only: an expired hold does not count, and a new hold on the car deletes it.

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::{Schedule, Tx};

use crate::App;
use crate::error::Result;
use crate::store::occupancies;

/// Age of the oldest holds that are looked for. Those that no sweep has seen for so long are deleted as past occupancies.
const SWEPT_AGE: Duration = Duration::from_hours(24);

pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.holds.sweep_every;
    Schedule::run_every(&app.db, "sweep_holds", period, || sweep(app), shutdown).await;
}

async fn sweep(app: &App) -> Result<()> {
    let keep = app.config.holds.retention;
    let swept = app.db.transaction("occupancies.sweep", keep, remove).await?;
    metrics::counter!("holds_expired_total").increment(swept);
    Ok(())
}

async fn remove(tx: &Tx, &keep: &Duration) -> Result<u64> {
    occupancies::delete_ended_before(tx.conn(), tx.now() - keep).await?;
    occupancies::delete_all_expired(tx.conn(), tx.now() - SWEPT_AGE, tx.now()).await
}
