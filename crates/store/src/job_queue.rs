//! A queue in a table: rows carry the time they are due, workers of all replicas claim them.
//!
//! A claim is a time, not a lock: the row is due again when the claim ends, so a worker that dies loses nothing. The work
//! on a row must therefore be safe to repeat.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::Backoff;
use carshare_chassis::request_context::RequestContext;
use carshare_chassis::{Error as ChassisError, Shutdown, task};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::FromQueryResult;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::backlog::{MEASURE_INTERVAL, set_overdue};
use crate::db::Db;

/// Delay before asking again for a row that is due but claimed or locked by another worker. Real time.
const LOCKED_RETRY_DELAY: Duration = Duration::from_millis(20);

/// A table whose rows are work to do.
pub trait JobQueue: Send + Sync + 'static {
    /// Name of the job, in metrics, spans and [`crate::Tx::notify_job`].
    const NAME: &'static str;
    /// A claimed row.
    type Row: Send + 'static;
    /// The error of the queue's statements and of its work.
    type Error: Into<ChassisError> + Send;

    /// Claims up to `limit` rows that are due at `now`, oldest first, by setting their due time to `until`, in one
    /// statement: `UPDATE … WHERE id = ANY(ARRAY(SELECT id … LIMIT … FOR UPDATE SKIP LOCKED))`. A joined `IN` may be
    /// evaluated more than once and lock more rows.
    fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Self::Row>, Self::Error>> + Send;

    /// Returns when the next row is due; `None` when the queue is empty.
    fn next_due_at(&self) -> impl Future<Output = Result<Option<DateTime<Utc>>, Self::Error>> + Send;

    /// Returns the id of a row, for logs.
    fn id(row: &Self::Row) -> impl Display + Send;

    /// Returns the correlation id and trace under which a row's work runs.
    fn request_context(row: &Self::Row) -> RequestContext;

    /// Does the work of one row, or one step of it. An error leaves the row to come back when its claim ends.
    fn work(&self, row: Self::Row) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A claimed row whose table has the columns `id`, `version`, `correlation_id` and `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct ClaimedRow {
    /// Primary key.
    pub id: Uuid,
    /// Version that the claim gave to the row. A worker whose claim has ended finds another one.
    pub version: i64,
    /// Correlation id of the request that led to the work.
    pub correlation_id: Option<String>,
    /// W3C trace context of the request that led to the work.
    pub traceparent: Option<String>,
}

impl ClaimedRow {
    /// Returns the context for the work; without a correlation id the row's id takes its place.
    pub fn request_context(&self) -> RequestContext {
        let correlation_id = self.correlation_id.clone().unwrap_or_else(|| self.id.to_string());
        RequestContext::background(correlation_id, self.traceparent.as_deref())
    }
}

/// How a [`JobQueue`] is worked on.
#[derive(Debug, Clone, Copy)]
pub struct JobQueueOptions {
    /// Rows in work at a time in this process.
    pub concurrency: usize,
    /// How long a claim lasts; longer than the work normally takes.
    pub claim_timeout: Duration,
    /// How often an idle worker looks for rows that other replicas made due.
    pub poll_interval: Duration,
}

impl Db {
    /// Works on the rows of `queue` until `shutdown`, then waits for those in work.
    ///
    /// Metrics and the log line per row are those of jobs: `job_runs_total{name, outcome}`, `job_seconds{name}`,
    /// `job_overdue_seconds{name}`.
    pub async fn run_job_queue<Q: JobQueue>(&self, queue: Q, options: JobQueueOptions, shutdown: Shutdown) {
        let queue = Arc::new(queue);
        tokio::join!(
            self.work_on(&queue, options, &shutdown),
            self.measure_queue(&*queue, &shutdown),
        );
    }

    /// Measures how long the oldest due row has been waiting, which says whether the workers of all replicas keep up.
    async fn measure_queue<Q: JobQueue>(&self, queue: &Q, shutdown: &Shutdown) {
        while !shutdown.is_cancelled() {
            if let Ok(due_at) = queue.next_due_at().await {
                set_overdue(Q::NAME, due_at, self.environment().clock.now());
            }
            tokio::select! { () = sleep(MEASURE_INTERVAL) => {}, () = shutdown.cancelled() => {} }
        }
    }

    async fn work_on<Q: JobQueue>(&self, queue: &Arc<Q>, options: JobQueueOptions, shutdown: &Shutdown) {
        let concurrency = u32::try_from(options.concurrency.max(1)).unwrap_or(u32::MAX);
        let permits = Arc::new(Semaphore::new(concurrency as usize));
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let permit = tokio::select! {
                permit = Arc::clone(&permits).acquire_owned() => permit.ok(),
                () = shutdown.cancelled() => break,
            };
            let Some(permit) = permit else { break };
            let free = 1 + permits.available_permits();
            let now = self.environment().clock.now();
            match queue.claim(now, now + delta(options.claim_timeout), free).await {
                Ok(rows) if rows.is_empty() => {
                    failures = 0;
                    drop(permit);
                    self.wait_until_due(&**queue, options, shutdown).await;
                }
                Ok(rows) => {
                    failures = 0;
                    spawn_all(queue, rows, permit, &permits);
                }
                Err(error) => {
                    failures += 1;
                    let error: ChassisError = error.into();
                    tracing::warn!(job = Q::NAME, failures, error = ?error, "cannot claim rows");
                    let delay = Backoff::RECONNECT.delay(failures, &self.environment().random);
                    tokio::select! { () = sleep(delay) => {}, () = shutdown.cancelled() => {} }
                }
            }
        }
        // All permits come back as the work ends.
        drop(permits.acquire_many(concurrency).await);
    }

    /// Waits until a row is due, which is looked up every poll interval, or until rows are made due in this process.
    async fn wait_until_due<Q: JobQueue>(&self, queue: &Q, options: JobQueueOptions, shutdown: &Shutdown) {
        let clock = &self.environment().clock;
        let signal = self.job_signal(Q::NAME);
        loop {
            let now = clock.now();
            let poll = now + delta(options.poll_interval);
            let due = queue.next_due_at().await.ok().flatten();
            if due.is_some_and(|due| due <= now) {
                return sleep(LOCKED_RETRY_DELAY).await;
            }
            tokio::select! {
                () = clock.sleep_until(due.map_or(poll, |due| due.min(poll))) => {}
                () = signal.notified() => return,
                () = shutdown.cancelled() => return,
            }
            if due.is_some_and(|due| due <= poll) {
                return;
            }
        }
    }
}

/// Spawns the work of claimed rows. There are at most as many rows as free permits.
fn spawn_all<Q: JobQueue>(
    queue: &Arc<Q>,
    rows: Vec<Q::Row>,
    first: OwnedSemaphorePermit,
    permits: &Arc<Semaphore>,
) {
    let mut first = Some(first);
    for row in rows {
        let permit = first
            .take()
            .or_else(|| Arc::clone(permits).try_acquire_owned().ok());
        let queue = Arc::clone(queue);
        task::spawn(Q::NAME, async move {
            run_row(&*queue, row).await;
            drop(permit);
        });
    }
}

async fn run_row<Q: JobQueue>(queue: &Q, row: Q::Row) {
    let id = Q::id(&row).to_string();
    let span = tracing::info_span!("job", otel.name = format!("job.{}", Q::NAME), name = Q::NAME, id);
    let context = Q::request_context(&row);
    let work = async {
        let begin = Instant::now();
        let result = queue.work(row).await.map_err(Into::<ChassisError>::into);
        let seconds = begin.elapsed().as_secs_f64();
        let outcome = if result.is_ok() { "succeeded" } else { "failed" };
        metrics::counter!("job_runs_total", "name" => Q::NAME, "outcome" => outcome).increment(1);
        metrics::histogram!("job_seconds", "name" => Q::NAME).record(seconds);
        let duration_ms = seconds * 1000.0;
        match result {
            Ok(()) => tracing::info!(job = Q::NAME, id, outcome, duration_ms, "job"),
            Err(error) => tracing::error!(job = Q::NAME, id, outcome, duration_ms, error = ?error, "job"),
        }
    };
    context.run_in(span, work).await;
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
