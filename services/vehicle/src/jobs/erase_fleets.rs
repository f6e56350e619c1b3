//! Withdraws and erases the cars of deleted hosts, one transaction for each: a fleet may have more cars than one transaction changes in time.
//!
//! Every replica may run it, also at the same time: a car is withdrawn and erased once.

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::{Schedule, Tx};

use crate::domain::{UserId, VehicleId};
use crate::error::Result;
use crate::store::{availabilities, closed_hosts, vehicles};
use crate::{App, withdraw};

/// Name of the job, for [`carshare_store::Tx::notify_job`].
pub const NAME: &str = "erase_fleets";

/// How often hosts are looked for that another process has closed before it ended.
const INTERVAL: Duration = Duration::from_mins(10);

/// Cars in one query.
const BATCH: u64 = 100;

pub async fn run(app: &App, shutdown: Shutdown) {
    Schedule::run_every(&app.db, NAME, INTERVAL, || erase_all(app), shutdown).await;
}

async fn erase_all(app: &App) -> Result<()> {
    let conn = app.db.conn();
    while let Some(host) = closed_hosts::find_unerased(conn).await? {
        erase_fleet(app, host).await?;
        closed_hosts::erased(conn, host, app.environment.clock.now()).await?;
    }
    Ok(())
}

async fn erase_fleet(app: &App, host: UserId) -> Result<()> {
    loop {
        let cars = vehicles::list_unerased(app.db.conn(), host, BATCH).await?;
        if cars.is_empty() {
            return Ok(());
        }
        for car in cars {
            app.db.transaction("vehicles.erase", car, erase).await?;
        }
    }
}

/// Occupancies do not matter: the account was deleted when its bookings had ended, and what is left of them here was not released yet.
async fn erase(tx: &Tx, &id: &VehicleId) -> Result<()> {
    if let Some(vehicle) = vehicles::lock(tx.conn(), id).await? {
        withdraw::withdraw(tx, &vehicle).await?;
    }
    availabilities::delete_all(tx.conn(), id).await?;
    vehicles::erase(tx.conn(), id).await
}
