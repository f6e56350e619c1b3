//! Heartbeat of a process: proves that the database takes writes, and keeps the process's clock at PostgreSQL's.

use std::sync::atomic::Ordering;
use std::time::Duration;

use carshare_chassis::Shutdown;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use tokio::time::{Instant, sleep};

use crate::db::Db;
use crate::error::Error;

/// Age up to which a heartbeat counts, while no statement has failed since.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
/// Longest round trip of a comparison that is trusted.
const ROUND_TRIP_LIMIT: Duration = Duration::from_millis(500);
/// Largest difference between the machine's clock and PostgreSQL's with which a process is ready. Due times do not depend
/// on it, but certificates and signatures of third parties do.
const SKEW_LIMIT: TimeDelta = TimeDelta::seconds(2);

impl Db {
    /// Checks the database and compares the clock with PostgreSQL's until `shutdown`.
    pub(crate) async fn follow_database_clock(&self, shutdown: Shutdown) {
        while !shutdown.is_cancelled() {
            // Unreachable: readiness says so, and the clock goes on monotonically.
            self.check_ready().await.ok();
            tokio::select! {
                () = sleep(INTERVAL) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Checks that the database takes writes, for readiness. What was found within ten seconds counts, unless a statement
    /// has failed since for a reason of the database.
    pub(crate) async fn check_ready(&self) -> Result<(), Error> {
        let is_recent = self.written_at().is_some_and(|at| at.elapsed() < INTERVAL);
        if self.conn().take_failure() || !is_recent {
            return self.check_writable().await;
        }
        Ok(())
    }

    /// Writes the row of this process and sets the clock to PostgreSQL's: a standby, a full disk and a database without its
    /// migrations take no writes.
    pub async fn check_writable(&self) -> Result<(), Error> {
        let sql = "INSERT INTO processes AS known (id, seen_at) VALUES ($1, clock_timestamp()) \
            ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at RETURNING clock_timestamp() AS now";
        let values = [self.instance().into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let begin = Instant::now();
        let row = self.conn().query_one_raw(statement).await?;
        let round_trip = begin.elapsed();
        let row = row.ok_or_else(|| Error::Internal(anyhow::anyhow!("no row was written")))?;
        let time: DateTime<Utc> = row.try_get("", "now")?;
        if round_trip <= ROUND_TRIP_LIMIT {
            let ahead = self.environment().clock.synchronize(time, begin + round_trip / 2);
            self.clock_ahead_ms()
                .store(ahead.num_milliseconds(), Ordering::Relaxed);
            metrics::gauge!("clock_skew_seconds").set(ahead.as_seconds_f64());
        }
        self.set_written_at(begin);
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
