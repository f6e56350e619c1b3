//! The consumer's Redis connection: groups, blocking reads, acknowledgements.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_chassis::config;
use redis::aio::ConnectionManager;
use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamInfoConsumersReply, StreamReadOptions,
    StreamReadReply,
};
use redis::{AsyncCommands as _, FromRedisValue as _, RedisError};
use tokio::time::timeout;
use uuid::Uuid;

use super::Entry;
use crate::envelope::Envelope;

/// Entries per read.
const READ_COUNT: usize = 200;
/// Added to the blocking time of a read before the connection counts as broken.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// This process's membership in its group.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// Name of this process in the group.
    consumer: String,
    streams: Vec<Arc<str>>,
    /// For blocking reads, which occupy their connection.
    reading: ConnectionManager,
    pub(super) redis: ConnectionManager,
}

impl Group {
    pub(super) fn open(
        redis: &config::Redis,
        name: &'static str,
        instance: Uuid,
        streams: Vec<String>,
    ) -> Result<Self> {
        let streams = streams.into_iter().map(Arc::from).collect();
        let consumer = instance.to_string();
        Ok(Self {
            name,
            consumer,
            streams,
            reading: redis.dedicated()?,
            redis: redis.shared()?,
        })
    }

    /// Creates missing groups and claims every pending entry. Only the leader may call it: it claims without waiting for other
    /// consumers to become idle.
    pub(super) async fn claim_pending(&mut self) -> Result<Vec<Entry>> {
        self.create_groups().await?;
        let mut taken = Vec::new();
        for stream in self.streams.clone() {
            let mut from = "0-0".to_owned();
            loop {
                let options = StreamAutoClaimOptions::default().count(READ_COUNT);
                let reply: StreamAutoClaimReply = self
                    .redis
                    .xautoclaim_options(&*stream, self.name, &self.consumer, 0, &from, options)
                    .await
                    .context("Redis is unreachable")?;
                taken.extend(reply.claimed.into_iter().map(|entry| read_entry(&stream, entry)));
                from = reply.next_stream_id;
                if from == "0-0" {
                    break;
                }
            }
            self.delete_idle_consumers(&stream).await?;
        }
        if !taken.is_empty() {
            tracing::info!(group = self.name, entries = taken.len(), "claimed pending events");
        }
        Ok(taken)
    }

    /// Waits up to `block` for new entries.
    pub(super) async fn read(&mut self, block: Duration) -> Result<Vec<Entry>> {
        let block_ms = usize::try_from(block.as_millis()).unwrap_or(usize::MAX).max(1); // 0 blocks indefinitely
        let options = StreamReadOptions::default()
            .group(self.name, &self.consumer)
            .count(READ_COUNT)
            .block(block_ms);
        let new_only = vec![">"; self.streams.len()];
        let streams: Vec<String> = self.streams.iter().map(ToString::to_string).collect();
        let reading = self.reading.xread_options(&streams, &new_only, &options);
        let reply: Result<Option<StreamReadReply>, RedisError> = timeout(block + RESPONSE_TIMEOUT, reading)
            .await
            .context("Redis does not answer")?;
        match reply {
            Ok(reply) => Ok(reply
                .into_iter()
                .flat_map(|reply| reply.keys)
                .flat_map(|key| self.entries(key))
                .collect()),
            // Redis was emptied: create the groups again; the relays send again what was lost.
            Err(error) if error.code() == Some("NOGROUP") => {
                self.create_groups().await?;
                Ok(Vec::new())
            }
            Err(error) => Err(error).context("Redis is unreachable"),
        }
    }

    pub(super) async fn acknowledge(&self, entry: &Entry) -> Result<()> {
        let mut redis = self.redis.clone();
        redis
            .xack::<_, _, _, u64>(&*entry.stream, self.name, &[&entry.id])
            .await
            .context("Redis is unreachable")?;
        Ok(())
    }

    /// Creates the groups at the beginning of the streams: a new consumer wants earlier events, and the inbox skips known ones.
    async fn create_groups(&mut self) -> Result<()> {
        for stream in &self.streams {
            let made: Result<(), RedisError> =
                self.redis.xgroup_create_mkstream(&**stream, self.name, "0").await;
            match made {
                Err(error) if error.code() == Some("BUSYGROUP") => {}
                made => made.context("Redis is unreachable")?,
            }
        }
        Ok(())
    }

    /// Deletes consumers of earlier processes that have nothing pending.
    async fn delete_idle_consumers(&mut self, stream: &str) -> Result<()> {
        let known: StreamInfoConsumersReply = self.redis.xinfo_consumers(stream, self.name).await?;
        for other in known
            .consumers
            .iter()
            .filter(|other| other.name != self.consumer && other.pending == 0)
        {
            self.redis
                .xgroup_delconsumer::<_, _, _, u64>(stream, self.name, &other.name)
                .await?;
        }
        Ok(())
    }

    fn entries(&self, read: redis::streams::StreamKey) -> Vec<Entry> {
        let Some(stream) = self.streams.iter().find(|stream| ***stream == *read.key) else {
            return Vec::new();
        };
        read.ids
            .into_iter()
            .map(|entry| read_entry(stream, entry))
            .collect()
    }
}

fn read_entry(stream: &Arc<str>, entry: StreamId) -> Entry {
    let event = Envelope::read(&entry.map).map_err(|error| format!("{error:#}"));
    let bytes = |(name, value)| Some((name, Vec::<u8>::from_redis_value(value).ok()?));
    Entry {
        stream: Arc::clone(stream),
        id: entry.id,
        event,
        fields: entry.map.into_iter().filter_map(bytes).collect(),
    }
}
