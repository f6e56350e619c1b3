//! Periodic work that one process does at a time, however many run: expiries, retries, cleaning up.
//!
//! A row of `leases` says who is at it and when it is due next, by the injected clock. Who dies at work is followed by
//! another when its lease ends.

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
use row::Turn;

/// How long work counts as being done after the last sign of life of who does it.
const TERM: Duration = Duration::from_secs(30);
/// Signs of life while at work.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A failed run is repeated after this, if that is sooner than the next one.
const AFTER_FAILURE: Duration = Duration::from_secs(15);
/// Woken while another process is at work: that run may have begun too early to see why, so ask again soon.
const WOKEN_AGAIN: Duration = Duration::from_millis(200);

/// A piece of periodic work.
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

    /// [`Lease::every`] and [`Lease::run`] in one.
    pub async fn run_every<J, R, E>(db: &Db, name: &'static str, period: Duration, job: J, shutdown: Shutdown)
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        Self::every(db, name, period).run(shutdown, job).await;
    }

    /// Runs `job` each time it is due and nobody else is at it, until `shutdown`. A run that has begun is finished.
    ///
    /// An error or a panic is logged and counted (`job_runs_total{name, outcome}`); the job runs again soon.
    pub async fn run<J, R, E>(self, shutdown: Shutdown, job: J)
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        let mut woken = false;
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let pause = match self.turn(woken, &job).await {
                Ok(Turn::Done { next }) => {
                    (failures, woken) = (0, false);
                    Pause::Until(next)
                }
                Ok(Turn::Taken { .. }) if woken => Pause::For(WOKEN_AGAIN),
                Ok(Turn::Taken { next }) => {
                    failures = 0;
                    Pause::Until(next)
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(job = self.name, error = %error, "no lease to be had");
                    Pause::For(Backoff::RECONNECT.delay(failures, &self.db.environment().random))
                }
            };
            tokio::select! {
                () = self.pause(pause) => {}
                () = self.signal.notified() => woken = true,
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Takes the lease if it is free and due (or `woken`), does the job and says when it is due next.
    async fn turn<J, R, E>(&self, woken: bool, job: &J) -> Result<Turn, crate::Error>
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        let began = self.db.environment().clock.now();
        if let Some(taken) = self.take(woken).await? {
            return Ok(taken);
        }
        let succeeded = tokio::select! {
            succeeded = self.work(job) => succeeded,
            () = self.keep_alive() => false,
        };
        // Counted from the beginning: what becomes due while the job runs does not wait for a period more.
        let next = if succeeded {
            began + row::delta(self.period)
        } else {
            self.db.environment().clock.now() + row::delta(self.period.min(AFTER_FAILURE))
        };
        self.give_back(next).await?;
        Ok(Turn::Done { next })
    }

    async fn work<J, R, E>(&self, job: &J) -> bool
    where
        J: Fn() -> R,
        R: Future<Output = Result<(), E>>,
        E: Into<ChassisError>,
    {
        let span = tracing::info_span!("job", otel.name = format!("job.{}", self.name), name = self.name);
        let scope = RequestContext::background(self.db.environment().ids.next().to_string(), None);
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
        let result = scope.run_in(span, work).await;
        let outcome = if result.is_ok() { "succeeded" } else { "failed" };
        metrics::counter!("job_runs_total", "name" => self.name, "outcome" => outcome).increment(1);
        metrics::histogram!("job_seconds", "name" => self.name).record(begin.elapsed().as_secs_f64());
        result.is_ok()
    }

    /// Never ends; a sign of life that does not come through leaves the work to go on, at worst beside another's.
    async fn keep_alive(&self) {
        let mut beats = interval(HEARTBEAT);
        beats.tick().await;
        loop {
            beats.tick().await;
            if let Err(error) = self.extend().await {
                tracing::warn!(job = self.name, error = %error, "lease not extended");
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

/// Waiting for the injected clock, or in real time for something that does not follow it.
enum Pause {
    Until(chrono::DateTime<chrono::Utc>),
    For(Duration),
}
