//! Handles filed events one by one, each in a transaction of its own.

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::Backoff;
use carshare_chassis::Shutdown;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use sea_orm::ConnectionTrait as _;
use tokio::time::sleep;

use super::inbox::{self, Failed, FiledEvent};
use super::observation::Observation;
use super::registry::{FailureKind, HandlerError, Registry};
use super::{Retry, Shared};
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transaction::Tx;

/// Name under which newly filed events notify the worker of their process.
pub(super) const NAME: &str = "inbox";

/// Filed events handled at a time in this process.
const CONCURRENCY: usize = 8;
/// How often an idle worker looks for events while some are filed. Shorter while retries are due.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The same while none is. `inbox_metrics` notifies the worker when it finds one that another replica has filed.
pub(super) const IDLE_INTERVAL: Duration = Duration::from_mins(10);
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Longest wait for a lock; the event is tried again after a pause, and others have their turn.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '1s'";
/// Pause before an event is tried again that PostgreSQL's own trouble stopped.
const TRANSIENT_DELAY: Duration = Duration::from_secs(1);

/// What a round of work did.
enum Worked {
    /// One event was handled, or its failure stored.
    One {
        /// When a failed event is due again.
        retry_after: Option<Duration>,
    },
    /// No event can be handled now.
    Idle {
        /// Time until one is due, if any is filed; it may have to wait for its predecessor too.
        next_due: Option<Duration>,
    },
}

/// Why the transaction of an event was rolled back.
#[derive(Debug)]
enum WorkError {
    /// PostgreSQL failed before an event was claimed or while it committed.
    Store(Error),
    Handler(Box<(FiledEvent, Envelope)>, HandlerError),
}

struct Work {
    group: &'static str,
    handlers: Arc<Registry>,
}

impl Shared {
    /// Handles filed events until `shutdown`, then finishes those in progress.
    pub(super) async fn work(&self, shutdown: &Shutdown) {
        let signal = self.db.job_signal(NAME);
        let mut running = FuturesUnordered::new();
        let (mut failures, mut poll) = (0, IDLE_INTERVAL);
        running.push(self.round());
        while !shutdown.is_cancelled() {
            tokio::select! {
                Some(worked) = running.next(), if !running.is_empty() => match worked {
                    Ok(Worked::One { retry_after }) => {
                        failures = 0;
                        poll = retry_after.map_or(POLL_INTERVAL, |delay| delay.min(POLL_INTERVAL));
                        // There may be more: this round goes on and another joins it.
                        running.push(self.round());
                        if running.len() < CONCURRENCY {
                            running.push(self.round());
                        }
                    }
                    Ok(Worked::Idle { next_due }) => {
                        failures = 0;
                        poll = match next_due {
                            None => IDLE_INTERVAL,
                            // It waits for its predecessor, or another transaction holds it.
                            Some(Duration::ZERO) => poll.min(POLL_INTERVAL),
                            Some(due) => due.max(MIN_POLL_INTERVAL).min(poll).min(POLL_INTERVAL),
                        };
                    }
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(group = self.group, failures, error = ?error, "cannot handle filed events");
                        poll = Backoff::RECONNECT.delay(failures, &self.db.environment().random);
                    }
                },
                () = signal.notified() => if running.len() < CONCURRENCY { running.push(self.round()) },
                () = sleep(poll) => {
                    poll = POLL_INTERVAL;
                    if running.len() < CONCURRENCY { running.push(self.round()) }
                }
                () = shutdown.cancelled() => {}
            }
        }
        while running.next().await.is_some() {}
    }

    /// Handles one filed event that is due.
    async fn round(&self) -> Result<Worked, Error> {
        let work = Work {
            group: self.group,
            handlers: Arc::clone(&self.handlers),
        };
        match self
            .db
            .transaction("events.handle_filed", work, handle_filed)
            .await
        {
            Ok(true) => Ok(Worked::One { retry_after: None }),
            Ok(false) => Ok(Worked::Idle {
                next_due: self.db.next_filed_due().await?,
            }),
            Err(WorkError::Store(error)) => Err(error),
            Err(WorkError::Handler(claimed, error)) => {
                let retry_after = self.store_failure(&claimed.0, &claimed.1, error).await?;
                Ok(Worked::One { retry_after })
            }
        }
    }

    /// Stores the failure of an event and returns the delay before its next attempt, if there is one.
    async fn store_failure(
        &self,
        event: &FiledEvent,
        envelope: &Envelope,
        error: HandlerError,
    ) -> Result<Option<Duration>, Error> {
        let (context, span) = Observation::scope(self.group, envelope);
        let now = self.db.environment().clock.now();
        let cause = error.cause.clone();
        context
            .run_in(span, async {
                Observation::begin(self.group, envelope).record("failed", Some(&cause), now);
            })
            .await;
        let (failed, delay) = self.failed(event, error);
        if failed.is_dead {
            metrics::counter!("events_dead_total", "group" => self.group, "event" => event.name.clone())
                .increment(1);
            tracing::error!(
                group = self.group, event = event.name, id = %event.id, key = event.key, attempts = failed.attempts,
                error = failed.error, "event dead-lettered"
            );
        }
        let is_dead = failed.is_dead;
        self.db
            .transaction("events.store_failure", failed, inbox::update_failed)
            .await?;
        Ok((!is_dead).then_some(delay))
    }

    fn failed(&self, event: &FiledEvent, error: HandlerError) -> (Failed, Duration) {
        let Retry {
            max_attempts,
            backoff,
        } = self.retry;
        let is_counted = error.kind != FailureKind::Transient;
        let attempts = event.attempts.unsigned_abs() + u32::from(is_counted);
        let delay = if is_counted {
            backoff.delay(attempts, &self.db.environment().random)
        } else {
            TRANSIENT_DELAY
        };
        let failed = Failed {
            id: event.id,
            error: error.cause,
            attempts: i32::try_from(attempts).unwrap_or(i32::MAX),
            delay_seconds: delay.as_secs_f64(),
            is_dead: error.kind == FailureKind::Undecodable || is_counted && attempts >= max_attempts,
        };
        (failed, delay)
    }
}

/// Claims a filed event and handles it. Returns false when none is due.
async fn handle_filed(tx: &Tx, work: &Work) -> Result<bool, WorkError> {
    tx.conn()
        .execute_unprepared(LOCK_TIMEOUT)
        .await
        .map_err(Error::from)?;
    let Some((event, envelope)) = inbox::claim(tx).await? else {
        return Ok(false);
    };
    // A row at or below the cursor is a duplicate that was filed while its event was being handled.
    if event.key_seq > event.handled_seq {
        let handled = work
            .handlers
            .handle(tx, work.group, &event.source, &envelope)
            .await;
        if let Err(error) = handled {
            return Err(WorkError::Handler(Box::new((event, envelope)), error));
        }
    }
    inbox::finish(tx, &event).await?;
    Ok(true)
}

impl From<Error> for WorkError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}
