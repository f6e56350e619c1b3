//! Counts the live bookings by state, for the gauges. One process counts at a time: the count reads every live booking.

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;
use crate::error::Error;
use crate::store::bookings;

const INTERVAL: Duration = Duration::from_mins(1);

pub async fn run(app: &App, shutdown: Shutdown) {
    let schedule = Schedule::every(&app.db, "count_bookings", INTERVAL).on_claimed_elsewhere(forget);
    schedule.run(shutdown, || count(app)).await;
}

async fn count(app: &App) -> Result<(), Error> {
    for (state, count) in bookings::count_live(app.db.conn()).await? {
        set(state, count as f64);
    }
    Ok(())
}

fn forget() {
    for state in bookings::LIVE_STATES {
        set(state, f64::NAN);
    }
}

fn set(state: &'static str, count: f64) {
    metrics::gauge!("bookings_live", "state" => state).set(count);
}
