//! Keeps the process's clock at PostgreSQL's, and reports a machine whose own clock is off.

use std::sync::atomic::Ordering;
use std::time::Duration;

use carshare_chassis::Shutdown;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use tokio::time::{Instant, sleep};

use crate::db::Db;
use crate::error::Error;

/// How often the clock is compared.
const INTERVAL: Duration = Duration::from_secs(5);
/// Longest round trip of a comparison that is trusted.
const ROUND_TRIP_LIMIT: Duration = Duration::from_millis(500);
/// Largest difference between the machine's clock and PostgreSQL's with which a process is ready. Due times do not depend
/// on it, but certificates and signatures of third parties do.
const SKEW_LIMIT: TimeDelta = TimeDelta::seconds(2);

impl Db {
    /// Compares the clock with PostgreSQL's until `shutdown`.
    pub(crate) async fn follow_database_clock(&self, shutdown: Shutdown) {
        while !shutdown.is_cancelled() {
            // Unreachable: readiness says so, and the clock goes on monotonically.
            self.synchronize_clock().await.ok();
            tokio::select! {
                () = sleep(INTERVAL) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Sets the clock to PostgreSQL's.
    pub(crate) async fn synchronize_clock(&self) -> Result<(), Error> {
        let begin = Instant::now();
        let statement = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp() AS now");
        let row = self.conn().query_one_raw(statement).await?;
        let row = row.ok_or_else(|| Error::Internal(anyhow::anyhow!("no row without a table")))?;
        let time: DateTime<Utc> = row.try_get("", "now")?;
        let round_trip = begin.elapsed();
        if round_trip <= ROUND_TRIP_LIMIT {
            let ahead = self.environment().clock.synchronize(time, begin + round_trip / 2);
            self.clock_ahead_ms()
                .store(ahead.num_milliseconds(), Ordering::Relaxed);
            metrics::gauge!("clock_skew_seconds").set(ahead.as_seconds_f64());
        }
        Ok(())
    }

    /// Refuses a machine whose clock is more than two seconds off, for readiness.
    pub(crate) fn check_clock(&self) -> anyhow::Result<()> {
        let ahead_ms = self.clock_ahead_ms().load(Ordering::Relaxed);
        anyhow::ensure!(
            TimeDelta::milliseconds(ahead_ms).abs() <= SKEW_LIMIT,
            "the machine's clock is {ahead_ms} ms ahead of PostgreSQL's"
        );
        Ok(())
    }
}
