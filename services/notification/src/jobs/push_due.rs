//! Sends the pushes that are due.
//!
//! A delivery is claimed before it is sent and finished after FCM accepted it, so a crash in between sends it again: at
//! least once, and the device replaces the first by the second.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_chassis::request_context::RequestContext;
use carshare_store::{JobQueue, JobQueueOptions, Tx};
use chrono::{DateTime, Utc};
use tracing::Instrument as _;

use crate::App;
use crate::error::Error;
use crate::push::{Outcome, Outgoing, Provider};
use crate::store::deliveries::{self, Due, State};
use crate::store::devices;

/// Name of the job.
pub const NAME: &str = "push_due";

/// How often an idle worker looks for deliveries that other replicas made due.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Shortest claim of a delivery; longer than FCM takes to answer.
const MIN_CLAIM_TIMEOUT: Duration = Duration::from_mins(1);

/// Sends pushes until `shutdown`; returns at once when pushes are disabled.
pub async fn run(app: App, shutdown: Shutdown) {
    let Some(provider) = app.push.clone() else { return };
    let options = JobQueueOptions {
        concurrency: app.config.push.concurrency,
        claim_timeout: app.config.push.retry_after(1).max(MIN_CLAIM_TIMEOUT),
        poll_interval: POLL_INTERVAL,
    };
    let queue = Deliveries {
        app: app.clone(),
        provider,
    };
    app.db.run_job_queue(queue, options, shutdown).await;
}

struct Deliveries {
    app: App,
    provider: Arc<dyn Provider>,
}

impl JobQueue for Deliveries {
    const NAME: &'static str = NAME;
    type Row = Due;
    type Error = Error;

    async fn claim(&self, now: DateTime<Utc>, until: DateTime<Utc>, limit: usize) -> Result<Vec<Due>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(deliveries::claim(self.app.db.conn(), now, until, limit).await?)
    }

    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        Ok(deliveries::next_attempt_at(self.app.db.conn()).await?)
    }

    fn id(row: &Due) -> impl Display + Send {
        row.id
    }

    fn request_context(row: &Due) -> RequestContext {
        row.request_context()
    }

    async fn work(&self, due: Due) -> Result<(), Error> {
        let span = tracing::info_span!("push", otel.name = format!("push.{}", due.kind), id = %due.id);
        let send = async {
            let outcome = self.provider.send(outgoing(&due)).await;
            ended(&self.app, &due, outcome).await
        };
        send.instrument(span).await
    }
}

/// Writes down how a push ended, in its row and in the one log line of the attempt.
async fn ended(app: &App, due: &Due, outcome: Outcome) -> Result<(), Error> {
    let (word, why) = match &outcome {
        Outcome::Sent => ("sent", None),
        Outcome::DeviceGone(why) => ("device_gone", Some(why.clone())),
        Outcome::Refused(why) => ("refused", Some(why.clone())),
        Outcome::Later(why, _) => ("later", Some(why.clone())),
    };
    metrics::counter!("pushes_total", "outcome" => word).increment(1);
    tracing::info!(id = %due.id, kind = due.kind, outcome = word, why, attempt = due.attempts, "push");
    record(app, due, outcome).await
}

struct Ended {
    due: Due,
    outcome: Outcome,
    retry_at: DateTime<Utc>,
    give_up: bool,
}

async fn record(app: &App, due: &Due, outcome: Outcome) -> Result<(), Error> {
    let pause = match &outcome {
        Outcome::Later(_, Some(asked)) => (*asked).max(app.config.push.retry_after(due.attempts)),
        _ => app.config.push.retry_after(due.attempts),
    };
    let ended = Ended {
        retry_at: app.environment.clock.now() + pause,
        give_up: due.attempts >= app.config.push.max_attempts,
        due: due.clone(),
        outcome,
    };
    app.db.transaction("deliveries.record", ended, update).await
}

async fn update(tx: &Tx, ended: &Ended) -> Result<(), Error> {
    let (id, now) = (ended.due.id, tx.now());
    match &ended.outcome {
        Outcome::Sent => deliveries::update_state(tx.conn(), id, State::Sent, "", now).await?,
        Outcome::Refused(why) => {
            deliveries::update_state(tx.conn(), id, State::Dropped, why, now).await?;
        }
        Outcome::Later(why, _) if ended.give_up => {
            deliveries::update_state(tx.conn(), id, State::Dropped, why, now).await?;
        }
        Outcome::Later(why, _) => {
            deliveries::update_retry(tx.conn(), id, why, ended.retry_at).await?;
        }
        Outcome::DeviceGone(why) => {
            deliveries::update_state(tx.conn(), id, State::Dropped, why, now).await?;
            deliveries::drop_for_device(tx.conn(), ended.due.device_id, now).await?;
            // A device registered again in the meantime has another token.
            devices::delete(tx.conn(), ended.due.device_id, &ended.due.token).await?;
        }
    }
    Ok(())
}

fn outgoing(due: &Due) -> Outgoing {
    let data = due.data.as_object().into_iter().flatten();
    let data = data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    Outgoing {
        notification_id: due.notification_id,
        token: due.token.clone(),
        kind: due.kind.clone(),
        title: due.title.clone(),
        body: due.body.clone(),
        data: data.collect::<BTreeMap<_, _>>(),
    }
}
