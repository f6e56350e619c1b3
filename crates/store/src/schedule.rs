//! Periodic jobs of a service, run by whichever process finds them due.
//!
//! A row of `schedules` holds the next due time; moving it claims the run. No process owns a job: one that dies or hangs in a
//! run delays the next one by nothing. A run that takes longer than the period may overlap with the next, so jobs must be
//! safe to run twice at a time, as every sweep of rows is.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::Backoff;
use carshare_chassis::request_context::RequestContext;
use carshare_chassis::task::panic_text;
use carshare_chassis::{Error as ChassisError, Shutdown};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement, Value};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::backlog::set_overdue;
use crate::db::Db;
use crate::error::Error;

/// Delay before a failed run is repeated, if that is sooner than the next due time.
const RETRY_DELAY: Duration = Duration::from_secs(15);

/// A job that is due every `period` of the service's clock.
pub struct Schedule {
    db: Db,
    name: &'static str,
    period: Duration,
    signal: Arc<Notify>,
    on_claimed_elsewhere: fn(),
}

/// Whether this process runs the job now.
enum Claimed {
    Now,
    Later { due_at: DateTime<Utc> },
}

impl Schedule {
    /// Defines work that is due every `period`, the first time at once, and right after each [`crate::Tx::notify_job`] of its
    /// name in this process.
    pub fn every(db: &Db, name: &'static str, period: Duration) -> Self {
        Self {
            db: db.clone(),
            name,
            period,
            signal: db.job_signal(name),
            on_claimed_elsewhere: || {},
        }
    }

    /// Calls `forget` when another process has claimed the run. What this process measured in an earlier one is out of date then: a job
    /// that sets gauges sets them to NaN, which every aggregation of Prometheus ignores for the value of the other process.
    #[must_use]
    pub fn on_claimed_elsewhere(mut self, forget: fn()) -> Self {
        self.on_claimed_elsewhere = forget;
        self
    }

    /// Runs a job with [`Schedule::every`] and [`Schedule::run`].
    pub async fn run_every<J, R, E>(db: &Db, name: &'static str, period: Duration, job: J, shutdown: Shutdown)
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        Self::every(db, name, period).run(shutdown, job).await;
    }

    /// Runs `job` whenever it is due and no other process has claimed the run, until `shutdown`; a run in progress is
    /// finished.
    ///
    /// An error or a panic is logged and counted (`job_runs_total{name, outcome}`), and the job is due again after a delay.
    pub async fn run<J, R, E>(self, shutdown: Shutdown, job: J)
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        let mut notified = false;
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let due_at = match self.attempt(std::mem::take(&mut notified), &job).await {
                Ok(due_at) => {
                    failures = 0;
                    set_overdue(self.name, Some(due_at), self.db.environment().clock.now());
                    due_at
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(job = self.name, failures, error = %error, "cannot claim the job");
                    tokio::select! {
                        () = sleep(Backoff::RECONNECT.delay(failures, &self.db.environment().random)) => {}
                        () = shutdown.cancelled() => {}
                    }
                    continue;
                }
            };
            tokio::select! {
                () = self.db.environment().clock.sleep_until(due_at) => {}
                () = self.signal.notified() => notified = true,
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Runs the job if it is due or `notified`, and returns when it is due next.
    async fn attempt<J, R, E>(&self, notified: bool, job: &J) -> Result<DateTime<Utc>, Error>
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        let began = self.db.environment().clock.now();
        if let Claimed::Later { due_at } = self.claim(began, notified).await? {
            (self.on_claimed_elsewhere)();
            return Ok(due_at);
        }
        if self.work(job).await {
            // Counted from the start of the run: what becomes due meanwhile does not wait for another period.
            return Ok(began + delta(self.period));
        }
        let again = self.db.environment().clock.now() + delta(self.period.min(RETRY_DELAY));
        let sql = "UPDATE schedules SET due_at = least(due_at, $2) WHERE name = $1";
        let values = [self.name.into(), again.into()];
        self.db.conn().execute_raw(statement(sql, values)).await?;
        Ok(again)
    }

    /// Moves the due time if it has come. A due time more than two periods away was set by a clock that was ahead, and has
    /// come too.
    async fn claim(&self, now: DateTime<Utc>, notified: bool) -> Result<Claimed, Error> {
        let next = now + delta(self.period);
        let sql = "INSERT INTO schedules AS known (name, due_at) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at \
             WHERE known.due_at <= $3 OR known.due_at > $5 OR $4";
        let values = [
            self.name.into(),
            next.into(),
            now.into(),
            notified.into(),
            (next + delta(self.period)).into(),
        ];
        let claimed = self.db.conn().execute_raw(statement(sql, values)).await?;
        if claimed.rows_affected() == 1 {
            return Ok(Claimed::Now);
        }
        let sql = "SELECT due_at FROM schedules WHERE name = $1";
        let row = self
            .db
            .conn()
            .query_one_raw(statement(sql, [self.name.into()]))
            .await?;
        let due_at = row.map_or(Ok(now), |row| row.try_get("", "due_at"))?;
        Ok(Claimed::Later { due_at })
    }

    async fn work<J, R, E>(&self, job: &J) -> bool
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        let span = tracing::info_span!("job", otel.name = format!("job.{}", self.name), name = self.name);
        let context = RequestContext::background(self.db.environment().ids.next().to_string(), None);
        let begin = Instant::now();
        let work = async {
            let run = AssertUnwindSafe(async { job().await }).catch_unwind().await;
            let result = run.map_or_else(
                |panic| Err(panicked(&*panic)),
                |result| result.map_err(Into::into),
            );
            if let Err(error) = &result {
                tracing::error!(job = self.name, error = ?error, "job failed");
            }
            result
        };
        let result = context.run_in(span, work).await;
        let outcome = if result.is_ok() { "succeeded" } else { "failed" };
        metrics::counter!("job_runs_total", "name" => self.name, "outcome" => outcome).increment(1);
        metrics::histogram!("job_seconds", "name" => self.name).record(begin.elapsed().as_secs_f64());
        result.is_ok()
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ChassisError {
    metrics::counter!("task_panics_total", "task" => "job").increment(1);
    ChassisError::internal(anyhow::anyhow!("the job panicked: {}", panic_text(panic)))
}

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
