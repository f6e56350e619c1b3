//! Measures what waits in the database for a worker: events for a relay, periodic jobs for a run.
//!
//! Every process measures, also one that does no background work itself: when all workers are gone, the others still say so.

use std::time::Duration;

use carshare_chassis::Shutdown;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult, Statement};
use tokio::time::sleep;

use crate::db::Db;
use crate::error::Error;

/// How often it is measured.
pub(crate) const MEASURE_INTERVAL: Duration = Duration::from_secs(30);

/// What waits for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Time of the oldest event without a position in the log.
    pub oldest_event: Option<DateTime<Utc>>,
    /// Every periodic job with its next due time.
    pub jobs: Vec<DueJob>,
}

/// A periodic job.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct DueJob {
    /// Name of the job.
    pub name: String,
    /// When its next run is due.
    pub due_at: DateTime<Utc>,
}

impl Db {
    /// Sets the gauges of the outbox and of the periodic jobs until `shutdown`.
    pub(crate) async fn measure_backlog(&self, service: &'static str, shutdown: Shutdown) {
        while !shutdown.is_cancelled() {
            // While PostgreSQL is unreachable the gauges keep their values, and readiness says so.
            if let Ok(backlog) = self.backlog().await {
                let now = self.environment().clock.now();
                metrics::gauge!("outbox_oldest_seconds", "service" => service)
                    .set(age(backlog.oldest_event, now));
                for job in backlog.jobs {
                    set_overdue(job.name, Some(job.due_at), now);
                }
            }
            tokio::select! { () = sleep(MEASURE_INTERVAL) => {}, () = shutdown.cancelled() => {} }
        }
    }

    /// Returns what waits for a worker.
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let sql = "SELECT oldest.occurred_at, s.name, s.due_at FROM (SELECT ( \
                SELECT occurred_at FROM outbox WHERE position IS NULL ORDER BY seq LIMIT 1) AS occurred_at) AS oldest \
            LEFT JOIN schedules s ON true ORDER BY s.name";
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let rows = self.conn().query_all_raw(statement).await?;
        // Without a job there is one row, of which only the time of the event may be set.
        let jobs = rows
            .iter()
            .filter_map(|row| DueJob::from_query_result_optional(row, "").transpose());
        Ok(Backlog {
            oldest_event: rows
                .first()
                .map_or(Ok(None), |row| row.try_get("", "occurred_at"))?,
            jobs: jobs.collect::<Result<_, _>>()?,
        })
    }
}

/// Sets the gauge of a job whose next run or row is due at `due_at`.
pub(crate) fn set_overdue(
    name: impl Into<metrics::SharedString>,
    due_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) {
    metrics::gauge!("job_overdue_seconds", "name" => name.into()).set(age(due_at, now));
}

/// Returns the seconds since `since`; 0 when it is `None` or in the future.
fn age(since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> f64 {
    since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_of_nothing_and_of_the_future_is_zero() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let second = chrono::TimeDelta::seconds(1);
        for (at, expected) in [
            (None, 0.0),
            (Some(now + second), 0.0),
            (Some(now - second * 3), 3.0),
        ] {
            assert!((age(at, now) - expected).abs() < f64::EPSILON, "{at:?}");
        }
    }
}
