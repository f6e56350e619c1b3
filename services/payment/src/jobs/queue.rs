//! A queue in a table: rows say when they are to be looked at, workers of all replicas claim them one by one.
//!
//! A claim is a time, not a lock: a row that nobody finished comes back by itself. What is done with a row is safe to do twice,
//! so a claim that ends while a slow call still runs costs a question to the provider, never a second charge.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::request_context::RequestContext;
use carshare_chassis::{Shutdown, task};
use carshare_store::Notify;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::App;
use crate::error::Error;

/// Pause after the database could not be asked. Real time: it does not follow the injected clock.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Pause before asking again for a row that is due and cannot be had. Real time too.
const LOCKED: Duration = Duration::from_millis(20);

/// A table of work.
pub(super) trait Queue: Clone + Send + Sync + 'static {
    /// Name of the work.
    const NAME: &'static str;
    /// Id of a row.
    type Id: Copy + Display + Send + Sync + 'static;

    /// Takes the row that has waited longest, for as long as `until`.
    fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<Self::Id>, Error>> + Send;
    /// When the next row is due.
    fn next_at(&self) -> impl Future<Output = Result<Option<DateTime<Utc>>, Error>> + Send;
    /// The surroundings of the work on a row.
    fn scope(&self, id: Self::Id) -> impl Future<Output = Result<Scope, Error>> + Send;
    /// Takes a row one step on.
    fn work(&self, id: Self::Id) -> impl Future<Output = Result<(), Error>> + Send;
    /// Rung when there is new work.
    fn wake(&self) -> &Notify;
}

/// Works on what is due, several rows side by side, until `shutdown`; then waits for those at work.
pub(super) async fn run<Q: Queue>(queue: Q, app: &App, shutdown: Shutdown) {
    let slots = u32::try_from(app.worker.slots.max(1)).unwrap_or(u32::MAX);
    let semaphore = Arc::new(Semaphore::new(slots as usize));
    while !shutdown.is_cancelled() {
        let permit = tokio::select! {
            permit = Arc::clone(&semaphore).acquire_owned() => permit,
            () = shutdown.cancelled() => break,
        };
        let now = app.now();
        match queue.claim(now, now + app.claim()).await {
            Ok(Some(id)) => {
                let queue = queue.clone();
                task::spawn(Q::NAME, async move {
                    step(&queue, id).await;
                    drop(permit);
                });
            }
            Ok(None) => idle(&queue, app, &shutdown).await,
            Err(error) => {
                tracing::warn!(job = Q::NAME, %error, "no work to be had");
                tokio::select! { () = tokio::time::sleep(AFTER_FAILURE) => {}, () = shutdown.cancelled() => {} }
            }
        }
    }
    // The permits come back as the work ends.
    let _ = semaphore.acquire_many(slots).await;
}

async fn step<Q: Queue>(queue: &Q, id: Q::Id) {
    let span = tracing::info_span!("job", otel.name = format!("job.{}", Q::NAME), name = Q::NAME, %id);
    let scope = queue
        .scope(id)
        .await
        .unwrap_or_else(|_| Scope::background(id.to_string(), None));
    scope.run_in(span, worked(queue, id)).await;
}

/// Does the work and tells how it went.
async fn worked<Q: Queue>(queue: &Q, id: Q::Id) {
    let begin = Instant::now();
    let worked = queue.work(id).await;
    let outcome = if worked.is_ok() { "succeeded" } else { "failed" };
    metrics::counter!("job_runs_total", "name" => Q::NAME, "outcome" => outcome).increment(1);
    metrics::histogram!("job_seconds", "name" => Q::NAME).record(begin.elapsed().as_secs_f64());
    let duration_ms = begin.elapsed().as_secs_f64() * 1000.0;
    match worked {
        Ok(()) => tracing::info!(job = Q::NAME, %id, outcome, duration_ms, "job"),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::error!(job = Q::NAME, %id, outcome, duration_ms, error, "job");
        }
    }
}

/// Until the next row is due, something is made due, or it is time to look what other replicas have left.
async fn idle<Q: Queue>(queue: &Q, app: &App, shutdown: &Shutdown) {
    let now = app.now();
    let poll = now + TimeDelta::from_std(app.worker.poll()).unwrap_or(TimeDelta::MAX);
    let until = match queue.next_at().await {
        Ok(next) => next.map_or(poll, |next| next.min(poll)),
        Err(_) => poll,
    };
    if until <= now {
        // It became due this moment, or somebody else holds it.
        tokio::time::sleep(LOCKED).await;
        return;
    }
    tokio::select! {
        () = app.db.environment().clock.sleep_until(until) => {}
        () = queue.wake().notified() => {}
        () = shutdown.cancelled() => {}
    }
}
