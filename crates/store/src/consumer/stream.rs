//! Reads the publishers' Redis Streams through a consumer group that all replicas share.
//!
//! An entry is acknowledged when its event is handled or filed. What a replica that died or hangs has read and not
//! acknowledged is claimed by another one.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_chassis::Backoff;
use carshare_chassis::{Shutdown, config};
use redis::aio::ConnectionManager;
use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamInfoConsumersReply, StreamReadOptions,
    StreamReadReply,
};
use redis::{AsyncCommands as _, RedisError};
use tokio::time::{Instant, timeout};

use super::delivery::Batch;
use super::{Shared, pause};
use crate::envelope::{self, Envelope};

/// Entries per read, and events per transaction.
const READ_COUNT: usize = 100;
/// Longest blocking read.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// Added to the blocking time of a read before the connection counts as broken.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
/// Time after which an entry that a replica has read and not acknowledged is claimed by another.
const CLAIM_IDLE: Duration = Duration::from_secs(5);
/// How often such entries are looked for.
const CLAIM_INTERVAL: Duration = Duration::from_secs(3);
/// Time after which a consumer that has nothing pending is deleted from its group.
const CONSUMER_RETENTION: Duration = Duration::from_mins(10);

/// This process's membership in its group.
struct Group {
    name: &'static str,
    /// Name of this process in the group.
    consumer: String,
    /// Sources and the names of their streams.
    streams: Vec<(&'static str, String)>,
    /// For blocking reads, which occupy their connection.
    reading: ConnectionManager,
    redis: ConnectionManager,
    claimed_at: Option<Instant>,
    swept_at: Option<Instant>,
    /// Redis had no group: it was emptied, perhaps with unread entries.
    was_emptied: bool,
}

/// Entries of one stream.
struct Entries {
    source: &'static str,
    stream: String,
    ids: Vec<String>,
    events: Vec<Envelope>,
}

impl Shared {
    /// Delivers the entries of the streams until `shutdown`. Reconnects to Redis with backoff.
    pub(super) async fn read_streams(
        &self,
        redis: &config::Redis,
        sources: &BTreeSet<&'static str>,
        shutdown: &Shutdown,
    ) {
        // Counters start at zero so that the first failure shows as an increase.
        metrics::counter!("consumer_failures_total", "group" => self.group).increment(0);
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let begin = Instant::now();
            let Err(error) = self.read_session(redis, sources, shutdown).await else {
                continue;
            };
            // A session that lasted resets the backoff.
            failures = if begin.elapsed() > Backoff::RECONNECT.max * 4 {
                1
            } else {
                failures + 1
            };
            metrics::counter!("consumer_failures_total", "group" => self.group).increment(1);
            self.doubt_streams();
            let error = format!("{error:#}");
            tracing::warn!(group = self.group, failures, error, "cannot read the streams");
            pause(
                Backoff::RECONNECT.delay(failures, &self.db.environment().random),
                shutdown,
            )
            .await;
        }
    }

    async fn read_session(
        &self,
        redis: &config::Redis,
        sources: &BTreeSet<&'static str>,
        shutdown: &Shutdown,
    ) -> Result<()> {
        let mut group = Group::open(self, redis, sources)?;
        group.create_groups().await?;
        while !shutdown.is_cancelled() {
            let mut read = group.claim_idle().await?;
            if read.is_empty() {
                read = tokio::select! {
                    read = group.read() => read?,
                    () = shutdown.cancelled() => break,
                };
            }
            if std::mem::take(&mut group.was_emptied) {
                self.doubt_streams();
            }
            for entries in read {
                let batch = Batch::from_stream(entries.source, entries.events);
                if !self.deliver_until_stored(batch, shutdown).await {
                    return Ok(());
                }
                group.acknowledge(&entries.stream, &entries.ids).await?;
            }
        }
        Ok(())
    }

    /// Delivers a batch, again and again while PostgreSQL cannot take it. Returns false when the shutdown came first.
    async fn deliver_until_stored(&self, batch: Batch, shutdown: &Shutdown) -> bool {
        let batch = std::sync::Arc::new(batch);
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            match self.deliver(&batch).await {
                Ok(_) => return true,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(group = self.group, failures, error = ?error, "cannot store events");
                    let delay = Backoff::RECONNECT.delay(failures, &self.db.environment().random);
                    pause(delay, shutdown).await;
                }
            }
        }
        false
    }
}

impl Group {
    fn open(shared: &Shared, redis: &config::Redis, sources: &BTreeSet<&'static str>) -> Result<Self> {
        Ok(Self {
            name: shared.group,
            consumer: shared.db.instance().to_string(),
            streams: sources
                .iter()
                .map(|source| (*source, envelope::stream_of(source)))
                .collect(),
            reading: redis.dedicated()?,
            redis: redis.shared()?,
            claimed_at: None,
            swept_at: None,
            was_emptied: false,
        })
    }

    /// Creates the groups at the beginning of the streams; events that were handled before are recognised.
    async fn create_groups(&mut self) -> Result<()> {
        for (_, stream) in &self.streams {
            let made: Result<(), RedisError> =
                self.redis.xgroup_create_mkstream(stream, self.name, "0").await;
            match made {
                Err(error) if error.code() == Some("BUSYGROUP") => {}
                made => made.context("Redis is unreachable")?,
            }
        }
        Ok(())
    }

    /// Waits for new entries.
    async fn read(&mut self) -> Result<Vec<Entries>> {
        let options = StreamReadOptions::default()
            .group(self.name, &self.consumer)
            .count(READ_COUNT)
            .block(usize::try_from(BLOCK_TIMEOUT.as_millis()).unwrap_or(usize::MAX));
        let new_only = vec![">"; self.streams.len()];
        let streams: Vec<&str> = self.streams.iter().map(|(_, stream)| stream.as_str()).collect();
        let reading = self.reading.xread_options(&streams, &new_only, &options);
        let reply: Result<Option<StreamReadReply>, RedisError> =
            timeout(BLOCK_TIMEOUT + RESPONSE_TIMEOUT, reading)
                .await
                .context("Redis does not answer")?;
        match reply {
            Ok(reply) => Ok(reply
                .into_iter()
                .flat_map(|reply| reply.keys)
                .filter_map(|key| self.entries(&key.key, key.ids))
                .collect()),
            Err(error) if error.code() == Some("NOGROUP") => {
                self.was_emptied = true;
                self.create_groups().await?;
                Ok(Vec::new())
            }
            Err(error) => Err(error).context("Redis is unreachable"),
        }
    }

    /// Claims what other consumers of the group have read long ago and not acknowledged, once per interval.
    async fn claim_idle(&mut self) -> Result<Vec<Entries>> {
        if self.claimed_at.is_some_and(|at| at.elapsed() < CLAIM_INTERVAL) {
            return Ok(Vec::new());
        }
        self.claimed_at = Some(Instant::now());
        let sweeps = self.swept_at.is_none_or(|at| at.elapsed() >= CONSUMER_RETENTION);
        if sweeps {
            self.swept_at = Some(Instant::now());
        }
        let mut claimed = Vec::new();
        for (_, stream) in self.streams.clone() {
            let options = StreamAutoClaimOptions::default().count(READ_COUNT);
            let idle_ms = usize::try_from(CLAIM_IDLE.as_millis()).unwrap_or(usize::MAX);
            let reply: Result<StreamAutoClaimReply, RedisError> = self
                .redis
                .xautoclaim_options(&stream, self.name, &self.consumer, idle_ms, "0-0", options)
                .await;
            match reply {
                Ok(reply) => claimed.extend(self.entries(&stream, reply.claimed)),
                Err(error) if error.code() == Some("NOGROUP") => {
                    self.was_emptied = true;
                    self.create_groups().await?;
                }
                Err(error) => return Err(error).context("Redis is unreachable"),
            }
            if sweeps {
                self.delete_gone_consumers(&stream).await?;
            }
        }
        if !claimed.is_empty() {
            // There may be more.
            self.claimed_at = None;
        }
        Ok(claimed)
    }

    /// Deletes consumers of earlier processes that have nothing pending.
    async fn delete_gone_consumers(&mut self, stream: &str) -> Result<()> {
        let known: StreamInfoConsumersReply = self.redis.xinfo_consumers(stream, self.name).await?;
        let idle = |idle_ms: usize| Duration::from_millis(idle_ms as u64) > CONSUMER_RETENTION;
        for other in known
            .consumers
            .iter()
            .filter(|other| other.name != self.consumer && other.pending == 0 && idle(other.idle))
        {
            self.redis
                .xgroup_delconsumer::<_, _, _, u64>(stream, self.name, &other.name)
                .await?;
        }
        Ok(())
    }

    async fn acknowledge(&mut self, stream: &str, ids: &[String]) -> Result<()> {
        self.redis
            .xack::<_, _, _, u64>(stream, self.name, ids)
            .await
            .context("Redis is unreachable")?;
        Ok(())
    }

    /// Decodes entries. One that cannot be decoded is acknowledged with the others: the publisher's log has its event.
    fn entries(&self, stream: &str, read: Vec<StreamId>) -> Option<Entries> {
        let (source, stream) = self.streams.iter().find(|(_, name)| name == stream)?;
        if read.is_empty() {
            return None;
        }
        let mut entries = Entries {
            source,
            stream: stream.clone(),
            ids: Vec::with_capacity(read.len()),
            events: Vec::with_capacity(read.len()),
        };
        for entry in read {
            match Envelope::read(&entry.map) {
                Ok(event) => entries.events.push(event),
                Err(error) => {
                    metrics::counter!("events_unreadable_total", "group" => self.name).increment(1);
                    let error = format!("{error:#}");
                    tracing::error!(
                        group = self.name,
                        stream,
                        entry = entry.id,
                        error,
                        "cannot decode an entry"
                    );
                }
            }
            entries.ids.push(entry.id);
        }
        Some(entries)
    }
}
