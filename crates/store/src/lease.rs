//! Periodic jobs that one process of a service runs at a time.
//!
//! A row of `leases` names the owner and the next due time by the injected clock. When the owner dies, another process takes
//! the lease after it expires.

mod row;

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::request_context::RequestContext;
use carshare_chassis::task::panic_text;
use carshare_chassis::{Error as ChassisError, Shutdown};
use futures::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::{Instant, interval, sleep};

use crate::backoff::Backoff;
use crate::db::Db;
use row::Attempt;

/// Time after the last heartbeat until a lease expires.
const LEASE_DURATION: Duration = Duration::from_secs(30);
/// Interval of heartbeats while the job runs.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);
/// Delay before a failed run is repeated, if that is sooner than the next due time.
const RETRY_DELAY: Duration = Duration::from_secs(15);
/// Delay before asking again when notified while another process runs the job: that run may have begun before the change.
const NOTIFIED_RETRY_DELAY: Duration = Duration::from_millis(200);

/// A periodic job under a lease.
pub struct Lease {
    db: Db,
    name: &'static str,
    period: Duration,
    signal: Arc<Notify>,
}

impl Lease {
    /// Defines work that is due every `period` of the injected clock, the first time at once, and right after each
    /// [`crate::Tx::notify_job`] of its name in this process.
    pub fn every(db: &Db, name: &'static str, period: Duration) -> Self {
        Self {
            db: db.clone(),
            name,
            period,
            signal: db.job_signal(name),
        }
    }

    /// Runs a job with [`Lease::every`] and [`Lease::run`].
    pub async fn run_every<J, R, E>(db: &Db, name: &'static str, period: Duration, job: J, shutdown: Shutdown)
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        Self::every(db, name, period).run(shutdown, job).await;
    }

    /// Runs `job` whenever it is due and no other process runs it, until `shutdown`; a run in progress is finished.
    ///
    /// An error or a panic is logged and counted (`job_runs_total{name, outcome}`), and the job is repeated after a delay.
    pub async fn run<J, R, E>(self, shutdown: Shutdown, job: J)
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        let mut notified = false;
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let pause = match self.attempt(notified, &job).await {
                Ok(Attempt::Ran { next }) => {
                    (failures, notified) = (0, false);
                    Pause::Until(next)
                }
                Ok(Attempt::NotRun { .. }) if notified => Pause::For(NOTIFIED_RETRY_DELAY),
                Ok(Attempt::NotRun { next }) => {
                    failures = 0;
                    Pause::Until(next)
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(job = self.name, error = %error, "cannot take the lease");
                    Pause::For(Backoff::RECONNECT.delay(failures, &self.db.environment().random))
                }
            };
            tokio::select! {
                () = self.pause(pause) => {}
                () = self.signal.notified() => notified = true,
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Takes the lease if it is free and due (or `notified`), runs the job and returns when it is due next.
    async fn attempt<J, R, E>(&self, notified: bool, job: &J) -> Result<Attempt, crate::Error>
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        let began = self.db.environment().clock.now();
        if let Some(taken) = self.take(notified).await? {
            return Ok(taken);
        }
        let succeeded = tokio::select! {
            succeeded = self.work(job) => succeeded,
            () = self.keep_alive() => false,
        };
        // Counted from the start of the run: what becomes due meanwhile does not wait for another period.
        let next = if succeeded {
            began + row::delta(self.period)
        } else {
            self.db.environment().clock.now() + row::delta(self.period.min(RETRY_DELAY))
        };
        self.release(next).await?;
        Ok(Attempt::Ran { next })
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

    /// Extends the lease until cancelled. When that fails the job goes on; at worst another process runs it concurrently.
    async fn keep_alive(&self) {
        let mut beats = interval(HEARTBEAT_INTERVAL);
        beats.tick().await;
        loop {
            beats.tick().await;
            if let Err(error) = self.extend().await {
                tracing::warn!(job = self.name, error = %error, "cannot extend the lease");
            }
        }
    }

    async fn pause(&self, pause: Pause) {
        match pause {
            Pause::Until(time) => self.db.environment().clock.sleep_until(time).await,
            Pause::For(duration) => sleep(duration).await,
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ChassisError {
    ChassisError::internal(anyhow::anyhow!("the job panicked: {}", panic_text(panic)))
}

/// A delay on the injected clock, or in real time for what does not follow it.
enum Pause {
    Until(chrono::DateTime<chrono::Utc>),
    For(Duration),
}
