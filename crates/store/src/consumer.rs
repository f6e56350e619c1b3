//! Redis Streams → inbox and effect: each event at least once from Redis, exactly once in effect, in order for each key.
//!
//! A consumer is a group of the streams it reads. One process of the service handles the group's events at a time; the
//! others stand by and take over, with what was left in the middle, when it stops or dies. Inside it, events of different
//! keys are handled side by side and those of one key one after the other: while one is being retried, later ones of its
//! key wait and all others go on.

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
use key_queues::{Lane, Lanes};
use leader_lock::Ownership;
use registry::Registry;

/// Lanes (keys) handled side by side.
const SIDE_BY_SIDE: usize = 8;
/// Events held in memory, waiting for their turn, before reading more.
const HELD: usize = 2_000;
/// Longest wait for new events in one command.
const BLOCK: Duration = Duration::from_secs(2);
/// How often a process that stands by looks whether it is needed.
const STAND_BY: Duration = Duration::from_millis(500);

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
    /// A consumer named `group`, by custom the service's own name. The name is the identity: its place in the streams, its
    /// inbox rows and its dead letters (`carshare:dead:<group>`) go by it.
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

    /// Handles events `E` that service `source` publishes. Events nobody handles are passed over.
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

    /// How often an event is tried before it goes to the dead letters; 8 by default, half a minute in all. While
    /// PostgreSQL is away nothing is counted.
    pub fn max_attempts(self, max_attempts: u32) -> Self {
        Self {
            max_attempts: max_attempts.max(1),
            ..self
        }
    }

    /// The pause after the first failure, 200 ms by default; each further one is twice as long, up to 10 s.
    pub fn initial_backoff(self, initial: Duration) -> Self {
        Self {
            retry: Backoff {
                initial,
                ..self.retry
            },
            ..self
        }
    }

    /// Handles events until `shutdown`; those at work are finished. Outages of PostgreSQL and Redis are waited out, groups
    /// that are missing are made.
    pub async fn run(self, shutdown: Shutdown) {
        if self.sources.is_empty() {
            return;
        }
        // A counter that appears with its first failure shows no increase.
        metrics::counter!("consumer_failures_total", "group" => self.group).increment(0);
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let begin = Instant::now();
            let Err(error) = self.session(&shutdown).await else {
                continue;
            };
            // A session that went well for a while starts the count anew.
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
                "consumer starts again"
            );
            self.pause(
                Backoff::RECONNECT.delay(failures, &self.db.environment().random),
                &shutdown,
            )
            .await;
        }
    }

    /// From becoming the active one until shutdown (`Ok`) or until something breaks.
    async fn session(&self, shutdown: &Shutdown) -> Result<()> {
        let mut ownership = Ownership::stand_by(&self.db).await?;
        while !ownership.acquire(self.group).await? {
            self.pause(STAND_BY, shutdown).await;
            if shutdown.is_cancelled() {
                ownership.release().await;
                return Ok(());
            }
        }
        let streams = self
            .sources
            .iter()
            .map(|source| envelope::events_of(source))
            .collect();
        let mut group = Group::open(&self.redis, self.group, self.db.instance(), streams)?;
        let mut lanes = Lanes::default();
        lanes.extend(group.take_over().await?);
        while !shutdown.is_cancelled() {
            ownership.check().await?;
            self.work(&mut lanes, &group).await?;
            let wait = lanes.next_due().map_or(BLOCK, |due| {
                due.saturating_duration_since(Instant::now()).min(BLOCK)
            });
            if lanes.len() >= HELD {
                self.pause(wait, shutdown).await;
                continue;
            }
            tokio::select! {
                entries = group.read(wait) => lanes.extend(entries?),
                () = shutdown.cancelled() => {}
            }
        }
        ownership.release().await;
        Ok(())
    }

    /// Handles every lane whose time has come, several side by side.
    async fn work(&self, lanes: &mut Lanes, group: &Group) -> Result<()> {
        let due = lanes.take_due(Instant::now());
        let work = due.into_iter().map(|lane| self.clear(lane, group));
        let mut rest = futures::stream::iter(work).buffer_unordered(SIDE_BY_SIDE);
        let mut broken = None;
        while let Some(result) = rest.next().await {
            match result {
                Ok(lane) => lanes.put_back(lane),
                Err(error) => broken = Some(error),
            }
        }
        broken.map_or(Ok(()), Err)
    }

    /// Handles a lane's events in order until it is empty or one fails; what is left is returned.
    async fn clear(&self, mut lane: Lane, group: &Group) -> Result<Lane> {
        while let Some(entry) = lane.first() {
            match self.handle(entry).await? {
                process::Outcome::Finished => group.acknowledge(entry).await?,
                process::Outcome::Undecodable(why) => group.dead_letter(entry, lane.failures(), &why).await?,
                process::Outcome::Failed(why) if lane.failures() + 1 >= self.max_attempts => {
                    group.dead_letter(entry, lane.failures() + 1, &why).await?;
                }
                process::Outcome::Failed(_) => {
                    let pause = self
                        .retry
                        .delay(lane.failures() + 1, &self.db.environment().random);
                    lane.failed(Instant::now() + pause);
                    break;
                }
            }
            lane.pop();
        }
        Ok(lane)
    }

    async fn pause(&self, duration: Duration, shutdown: &Shutdown) {
        tokio::select! {
            () = sleep(duration) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// An entry read from a stream, held until it is acknowledged.
#[derive(Debug)]
struct Entry {
    /// The service whose stream it came from.
    stream: Arc<str>,
    /// Its id in the stream.
    id: String,
    /// What it holds, or why that cannot be read.
    event: Result<envelope::Envelope, String>,
    /// The fields as they came, for the dead letters.
    fields: Vec<(String, Vec<u8>)>,
}
