//! Consumes the events of other services: exactly once in effect, in order per key, by any number of replicas.
//!
//! Two ways bring events, and each alone is enough:
//!
//! - [`stream`]: the publisher's Redis Stream, read through a consumer group within milliseconds;
//! - [`catch_up`]: the publisher's log, read by position every quarter of a minute, and every few seconds while the streams
//!   are in doubt. It is complete and in order, so whatever Redis trimmed, lost or rolled back arrives here.
//!
//! Both hand batches to [`delivery`], which handles events whose turn it is, several in one transaction with the cursors
//! of their keys, and files the others in the table `inbox`. [`worker`] handles filed events one by one. The row of a
//! key's cursor is locked while one of its events is handled, and an event is handled only when the cursor stands at its
//! predecessor: order, exclusiveness and hand-over between replicas need no leader, lease or partition.

mod blocked_events;
mod catch_up;
mod cursors;
mod delivery;
mod event_metadata;
mod inbox;
mod inbox_metrics;
mod observation;
mod registry;
mod stream;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::Backoff;
use carshare_chassis::client::PeerChannel;
use carshare_chassis::{Error as ChassisError, Shutdown, config};
use carshare_proto::events::EventMessage;
use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::Instant;

pub use event_metadata::EventMetadata;
pub use inbox::FiledEvent;
pub use registry::EventHandler;

use crate::db::Db;
use registry::Registry;

/// Failed attempts after which an event becomes a dead letter, about half a minute in all.
const MAX_ATTEMPTS: u32 = 8;

/// Handles events of other services.
pub struct Consumer {
    db: Db,
    redis: config::Redis,
    group: &'static str,
    sources: BTreeSet<&'static str>,
    publishers: BTreeMap<&'static str, PeerChannel>,
    handlers: Registry,
    retry: Retry,
}

/// How failed events are tried again.
#[derive(Debug, Clone, Copy)]
struct Retry {
    max_attempts: u32,
    backoff: Backoff,
}

/// What the parts of a running consumer share.
struct Shared {
    db: Db,
    group: &'static str,
    handlers: Arc<Registry>,
    retry: Retry,
    /// When the streams last failed to deliver, or were not known to.
    doubted_at: watch::Sender<Instant>,
}

impl Consumer {
    /// Creates a consumer `group`, by convention the service's name: its consumer group in Redis, and a label of metrics.
    pub fn new(db: &Db, redis: &config::Redis, group: &'static str) -> Self {
        let backoff = Backoff {
            initial: Duration::from_millis(200),
            max: Duration::from_secs(10),
        };
        Self {
            db: db.clone(),
            redis: redis.clone(),
            group,
            sources: BTreeSet::new(),
            publishers: BTreeMap::new(),
            handlers: Registry::default(),
            retry: Retry {
                max_attempts: MAX_ATTEMPTS,
                backoff,
            },
        }
    }

    /// Registers the handler of event `E` published by service `source`. Events without a handler only move the cursor of
    /// their key.
    ///
    /// `handler` is an `async fn` passed by name. It runs in the transaction that moves the cursor, so its effect is
    /// committed with the cursor or not at all. An error is retried with backoff; see [`Consumer::max_attempts`].
    ///
    /// ```text
    /// Consumer::new(&db, &redis, "vehicle")
    ///     .on("booking", on_booking::requested)
    ///     .on("booking", on_booking::cancelled)
    ///     .publisher("booking", channel)
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

    /// Sets the channel to the service `source`, whose log is read for what Redis did not deliver.
    pub fn publisher(mut self, source: &'static str, channel: PeerChannel) -> Self {
        self.publishers.insert(source, channel);
        self
    }

    /// Returns the services whose events are consumed.
    pub fn sources(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.sources.clone().into_iter()
    }

    /// Sets the attempts after which an event becomes a dead letter: 8 by default, about half a minute in all. Failures
    /// that are PostgreSQL's (unreachable, locked, read-only, full, serialization) do not count.
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.retry.max_attempts = max_attempts.max(1);
        self
    }

    /// Sets the delay after the first failure, 200 ms by default. It doubles up to 10 s.
    pub fn initial_backoff(mut self, initial: Duration) -> Self {
        self.retry.backoff.initial = initial;
        self
    }

    /// Handles events until `shutdown`, then finishes those in progress. Reconnects to PostgreSQL, Redis and the publishers
    /// with backoff.
    pub async fn run(self, shutdown: Shutdown) {
        if self.sources.is_empty() {
            return;
        }
        let shared = Shared {
            db: self.db,
            group: self.group,
            handlers: Arc::new(self.handlers),
            retry: self.retry,
            doubted_at: watch::Sender::new(Instant::now()),
        };
        let logs = self
            .publishers
            .into_iter()
            .filter(|(source, _)| self.sources.contains(source))
            .map(|(source, channel)| shared.catch_up(source, channel, &shutdown));
        tokio::join!(
            shared.read_streams(&self.redis, &self.sources, &shutdown),
            join_all(logs),
            shared.work(&shutdown),
            shared.measure(&shutdown),
        );
    }
}

impl Shared {
    /// Lets the logs be read now and often for a while.
    fn doubt_streams(&self) {
        self.doubted_at.send_replace(Instant::now());
    }
}

/// Returns the statements a second of an idle consumer with so many publishers, and of these on its behalf.
#[cfg(test)]
pub(crate) fn idle_statements(sources: usize) -> f64 {
    let per_second = |statements: usize, interval: Duration| statements as f64 / interval.as_secs_f64();
    per_second(sources, catch_up::INTERVAL)
        + per_second(1, inbox_metrics::IDLE_INTERVAL)
        + per_second(3, worker::IDLE_INTERVAL)
}

/// Waits for `duration` of real time or for the shutdown.
async fn pause(duration: Duration, shutdown: &Shutdown) {
    tokio::select! {
        () = tokio::time::sleep(duration) => {}
        () = shutdown.cancelled() => {}
    }
}
