//! Sends due pushes.
//!
//! A delivery is claimed before it is sent and finished once FCM has accepted it, so a crash in between sends it again; the
//! device replaces the first push by the second. A worker whose claim has ended meanwhile changes nothing.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_chassis::request_context::RequestContext;
use carshare_store::{JobQueue, JobQueueOptions, Tx};
use chrono::{DateTime, Utc};
use tracing::Instrument as _;

use crate::App;
use crate::domain::ids::{DeviceId, NotificationId};
use crate::error::Error;
use crate::push::{Provider, Push, PushResult};
use crate::store::deliveries::{self, Claimed, State};
use crate::store::devices;

/// Name of the job, for [`carshare_store::Tx::notify_job`].
pub const NAME: &str = "push_due";

/// How often an idle worker polls for pushes that other replicas made due.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Shortest duration of a claim; longer than a request to FCM.
const MIN_CLAIM_TIMEOUT: Duration = Duration::from_mins(1);

/// Sends pushes until `shutdown`; returns at once when pushes are disabled.
pub(super) async fn run(app: &App, shutdown: Shutdown) {
    let Some(provider) = app.push.clone() else { return };
    let options = JobQueueOptions {
        concurrency: app.config.push.concurrency,
        claim_timeout: app.config.push.retry_after(1).max(MIN_CLAIM_TIMEOUT),
        poll_interval: POLL_INTERVAL,
    };
    let queue = PushQueue {
        app: app.clone(),
        provider,
    };
    app.db.run_job_queue(queue, options, shutdown).await;
}

/// Table `deliveries` as a job queue.
struct PushQueue {
    app: App,
    provider: Arc<dyn Provider>,
}

impl JobQueue for PushQueue {
    const NAME: &'static str = NAME;
    type Row = Claimed;
    type Error = Error;

    async fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Claimed>, Error> {
        deliveries::claim(self.app.db.conn(), now, until, limit).await
    }

    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        deliveries::next_attempt_at(self.app.db.conn()).await
    }

    fn id(row: &Claimed) -> impl Display + Send {
        row.id
    }

    fn request_context(row: &Claimed) -> RequestContext {
        row.request_context()
    }

    async fn work(&self, row: Claimed) -> Result<(), Error> {
        let span = tracing::info_span!("push", otel.name = format!("push.{}", row.kind), id = %row.id);
        let send = async {
            let result = self.provider.send(push(&row)).await;
            record(&self.app, row, result).await
        };
        send.instrument(span).await
    }
}

fn push(row: &Claimed) -> Push {
    Push {
        notification_id: NotificationId(row.notification_id),
        token: row.token.clone(),
        kind: row.kind.clone(),
        title: row.title.clone(),
        body: row.body.clone(),
        data: row.data.0.clone(),
    }
}

struct Attempt {
    row: Claimed,
    result: PushResult,
    retry_at: DateTime<Utc>,
    is_last: bool,
}

/// Logs, counts and stores the result of an attempt.
async fn record(app: &App, row: Claimed, result: PushResult) -> Result<(), Error> {
    let outcome = result.as_str();
    metrics::counter!("pushes_total", "outcome" => outcome).increment(1);
    tracing::info!(id = %row.id, kind = row.kind, outcome, reason = result.reason(), attempt = row.attempts, "push");
    let delay = app.config.push.retry_after(row.attempts);
    let delay = match result {
        PushResult::Later {
            retry_after: Some(requested),
            ..
        } => delay.max(requested),
        _ => delay,
    };
    let attempt = Attempt {
        retry_at: app.environment.clock.now() + delay,
        is_last: row.attempts >= app.config.push.max_attempts,
        row,
        result,
    };
    app.db.transaction("deliveries.record", attempt, update).await
}

async fn update(tx: &Tx, attempt: &Attempt) -> Result<(), Error> {
    let (row, reason) = (&attempt.row, attempt.result.reason());
    match &attempt.result {
        PushResult::Sent => deliveries::finish(tx, row, State::Sent, "").await,
        PushResult::Later { .. } if !attempt.is_last => {
            deliveries::retry(tx, row, reason, attempt.retry_at).await
        }
        PushResult::Rejected(_) | PushResult::Later { .. } => {
            deliveries::finish(tx, row, State::Dropped, reason).await
        }
        PushResult::DeviceGone(_) => {
            deliveries::finish(tx, row, State::Dropped, reason).await?;
            let device = DeviceId(row.device_id);
            deliveries::drop_for_device(tx, device).await?;
            // A device that was registered again meanwhile has another token.
            devices::delete(tx, device, &row.token).await
        }
    }
}
