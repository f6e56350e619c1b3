//! Consumes events from Redis Streams: at least once from Redis, exactly once in effect, in order per key.
//!
//! A consumer is a Redis consumer group on each stream it reads. One process of the service is the group's leader and
//! handles its events; the others wait for the leader lock and take over pending entries when the leader stops or dies.
//! Events of different keys are handled concurrently, those of one key one after the other: while one is retried, later
//! ones of its key wait.

mod dead_letters;
mod event_metadata;
mod group;
mod key_queues;
mod leader_lock;
mod process;
mod registry;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use carshare_chassis::{Error as ChassisError, Shutdown, config};
use carshare_proto::events::EventMessage;
use futures::StreamExt as _;
use tokio::time::{Instant, sleep};

pub use dead_letters::{DeadLetter, DeadLetters};
pub use event_metadata::EventMetadata;
pub use registry::EventHandler;

use crate::backoff::Backoff;
use crate::db::Db;
use crate::envelope;
use group::Group;
use key_queues::{KeyQueue, KeyQueues};
use leader_lock::LeaderLock;
use registry::Registry;

/// Keys handled concurrently.
const CONCURRENCY: usize = 8;
/// Upper bound of entries read and not finished; reading pauses above it.
const MAX_QUEUED: usize = 2_000;
/// Longest blocking read.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a standby process asks for the leader lock.
const STANDBY_INTERVAL: Duration = Duration::from_millis(500);

/// Handles events of other services (or of its own).
pub struct Consumer {
    db: Db,
    redis: config::Redis,
    group: &'static str,
    sources: BTreeSet<&'static str>,
    handlers: Registry,
    max_attempts: u32,
    retry: Backoff,
}

impl Consumer {
    /// Creates a consumer group `group`, by convention the service's name. Inbox rows, the position in each stream and the
    /// dead letters (`carshare:dead:<group>`) belong to that name.
    pub fn new(db: &Db, redis: &config::Redis, group: &'static str) -> Self {
        let retry = Backoff {
            initial: Duration::from_millis(200),
            max: Duration::from_secs(10),
        };
        let (sources, handlers) = (BTreeSet::new(), Registry::default());
        Self {
            db: db.clone(),
            redis: redis.clone(),
            group,
            sources,
            handlers,
            max_attempts: 8,
            retry,
        }
    }

    /// Registers the handler of event `E` published by service `source`. Events without a handler are acknowledged unread.
    ///
    /// `handler` is an `async fn` passed by name. It runs in the transaction of the inbox row, so its effect is committed
    /// with the row or not at all. An error is retried with backoff; see [`Consumer::max_attempts`].
    ///
    /// ```text
    /// Consumer::new(&db, &redis, "vehicle")
    ///     .on("booking", on_booking::requested)
    ///     .on("booking", on_booking::cancelled)
    ///     .run(shutdown).await;
    /// ```
    pub fn on<M, E, F>(mut self, source: &'static str, handler: F) -> Self
    where
        M: EventMessage,
        E: Into<ChassisError> + Send + 'static,
        F: for<'t> EventHandler<'t, M, E> + Copy + Send + Sync + 'static,
    {
        self.sources.insert(source);
        self.handlers.add(source, handler);
        self
    }

    /// Sets the attempts after which an event becomes a dead letter: 8 by default, about half a minute in all. Attempts while
    /// PostgreSQL is unreachable do not count.
    pub fn max_attempts(self, max_attempts: u32) -> Self {
        Self {
            max_attempts: max_attempts.max(1),
            ..self
        }
    }

    /// Sets the delay after the first failure, 200 ms by default. It doubles up to 10 s.
    pub fn initial_backoff(self, initial: Duration) -> Self {
        Self {
            retry: Backoff {
                initial,
                ..self.retry
            },
            ..self
        }
    }

    /// Handles events until `shutdown`, then finishes those in progress. Reconnects to PostgreSQL and Redis with backoff and
    /// creates missing groups.
    pub async fn run(self, shutdown: Shutdown) {
        if self.sources.is_empty() {
            return;
        }
        // Counters start at zero so that the first failure shows as an increase.
        metrics::counter!("consumer_failures_total", "group" => self.group).increment(0);
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let begin = Instant::now();
            let Err(error) = self.session(&shutdown).await else {
                continue;
            };
            // A session that lasted resets the backoff.
            failures = if begin.elapsed() > Backoff::RECONNECT.max * 4 {
                1
            } else {
                failures + 1
            };
            metrics::counter!("consumer_failures_total", "group" => self.group).increment(1);
            tracing::warn!(
                group = self.group,
                failures,
                error = format!("{error:#}"),
                "consumer session failed, reconnecting"
            );
            self.pause(
                Backoff::RECONNECT.delay(failures, &self.db.environment().random),
                &shutdown,
            )
            .await;
        }
    }

    /// Acquires leadership and handles events until shutdown (`Ok`) or the first infrastructure failure.
    async fn session(&self, shutdown: &Shutdown) -> Result<()> {
        let mut lock = LeaderLock::connect(&self.db).await?;
        while !lock.acquire(self.group).await? {
            self.pause(STANDBY_INTERVAL, shutdown).await;
            if shutdown.is_cancelled() {
                lock.release().await;
                return Ok(());
            }
        }
        let streams = self
            .sources
            .iter()
            .map(|source| envelope::events_of(source))
            .collect();
        let mut group = Group::open(&self.redis, self.group, self.db.instance(), streams)?;
        let mut queues = KeyQueues::default();
        queues.extend(group.claim_pending().await?);
        while !shutdown.is_cancelled() {
            lock.check().await?;
            self.handle_due(&mut queues, &group).await?;
            let wait = queues.next_due().map_or(BLOCK_TIMEOUT, |due| {
                due.saturating_duration_since(Instant::now()).min(BLOCK_TIMEOUT)
            });
            if queues.len() >= MAX_QUEUED {
                self.pause(wait, shutdown).await;
                continue;
            }
            tokio::select! {
                entries = group.read(wait) => queues.extend(entries?),
                () = shutdown.cancelled() => {}
            }
        }
        lock.release().await;
        Ok(())
    }

    /// Handles the keys that are due, several concurrently.
    async fn handle_due(&self, queues: &mut KeyQueues, group: &Group) -> Result<()> {
        let due = queues.take_due(Instant::now());
        let work = due.into_iter().map(|queue| self.drain(queue, group));
        let mut rest = futures::stream::iter(work).buffer_unordered(CONCURRENCY);
        let mut broken = None;
        while let Some(result) = rest.next().await {
            match result {
                Ok(queue) => queues.put_back(queue),
                Err(error) => broken = Some(error),
            }
        }
        broken.map_or(Ok(()), Err)
    }

    /// Handles a key's events in order until the queue is empty or one fails; returns the rest.
    async fn drain(&self, mut queue: KeyQueue, group: &Group) -> Result<KeyQueue> {
        while let Some(entry) = queue.first() {
            match self.process(entry).await? {
                process::Disposition::Acknowledge => group.acknowledge(entry).await?,
                process::Disposition::DeadLetter(why) => {
                    group.dead_letter(entry, queue.failures(), &why).await?;
                }
                process::Disposition::Retry(why) if queue.failures() + 1 >= self.max_attempts => {
                    group.dead_letter(entry, queue.failures() + 1, &why).await?;
                }
                process::Disposition::Retry(_) => {
                    let pause = self
                        .retry
                        .delay(queue.failures() + 1, &self.db.environment().random);
                    queue.failed(Instant::now() + pause);
                    break;
                }
            }
            queue.pop();
        }
        Ok(queue)
    }

    async fn pause(&self, duration: Duration, shutdown: &Shutdown) {
        tokio::select! {
            () = sleep(duration) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// An entry of a stream, held until it is acknowledged.
#[derive(Debug)]
struct Entry {
    /// Name of the stream.
    stream: Arc<str>,
    /// Id of the entry in the stream.
    id: String,
    /// The decoded event, or why it cannot be decoded.
    event: Result<envelope::Envelope, String>,
    /// The raw fields, for the dead letter.
    fields: Vec<(String, Vec<u8>)>,
}
