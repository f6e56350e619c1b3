//! Measures money in flight and how long outcomes have been unknown, for the gauges. One process measures at a time.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::App;
use crate::error::Error;
use crate::store::{in_flight, unresolved};

pub(super) const INTERVAL: Duration = Duration::from_mins(1);

pub(super) async fn measure(app: &App) -> Result<(), Error> {
    let oldest = unresolved::oldest(app.db.conn()).await?;
    let age = |since: Option<DateTime<Utc>>| {
        since.map_or(0.0, |since| (app.now() - since).as_seconds_f64().max(0.0))
    };
    set_ages([age(oldest.charge), age(oldest.refund), age(oldest.reconciliation)]);
    let sums = in_flight::list(app.db.conn(), app.now()).await?;
    for state in in_flight::STATES {
        let sum = sums.iter().find(|sum| sum.state == state);
        set_in_flight(
            state,
            sum.map_or((0.0, 0.0), |sum| (sum.count as f64, sum.krw as f64)),
        );
    }
    Ok(())
}

/// Called when another process has measured since.
pub(super) fn forget() {
    set_ages([f64::NAN; 3]);
    for state in in_flight::STATES {
        set_in_flight(state, (f64::NAN, f64::NAN));
    }
}

fn set_ages([charge, refund, reconciliation]: [f64; 3]) {
    metrics::gauge!("payment_unknown_oldest_seconds", "what" => "charge").set(charge);
    metrics::gauge!("payment_unknown_oldest_seconds", "what" => "refund").set(refund);
    metrics::gauge!("payment_reconciliation_lag_seconds").set(reconciliation);
}

fn set_in_flight(state: &'static str, (count, krw): (f64, f64)) {
    metrics::gauge!("payment_in_flight", "state" => state).set(count);
    metrics::gauge!("payment_in_flight_krw", "state" => state).set(krw);
}
