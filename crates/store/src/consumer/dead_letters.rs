//! Dead letters: events that exhausted their attempts, kept in a stream per group with the cause.
//!
//! An entry holds the event's fields unchanged, and `stream`, `entry`, `tries`, `error`.

use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use carshare_chassis::config;
use redis::aio::ConnectionManager;
use redis::streams::{StreamId, StreamRangeReply};
use redis::{AsyncCommands as _, Script};

use super::Entry;
use super::group::Group;
use crate::envelope::dead_of;

/// Approximate maximum length of the dead-letter stream.
const MAX_LEN: usize = 10_000;

/// Lists and redrives the dead letters of a consumer group.
pub struct DeadLetters {
    redis: ConnectionManager,
    stream: String,
}

/// An event that exhausted its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Id of the dead letter, for [`DeadLetters::redrive`].
    pub id: String,
    /// Stream from which the event was read.
    pub stream: String,
    /// Id of the event; empty if it could not be decoded.
    pub event_id: String,
    /// Name of the event; empty if it could not be decoded.
    pub name: String,
    /// Failed attempts.
    pub tries: u32,
    /// Error of the last attempt. Internal text, not for users.
    pub error: String,
}

impl DeadLetters {
    /// Opens the dead letters of consumer group `group`.
    pub fn open(redis: &config::Redis, group: &str) -> Result<Self> {
        Ok(Self {
            redis: redis.shared()?,
            stream: dead_of(group),
        })
    }

    /// Returns the oldest `limit` dead letters.
    pub async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let reply: StreamRangeReply = self
            .redis
            .clone()
            .xrange_count(&self.stream, "-", "+", limit)
            .await?;
        Ok(reply.ids.iter().map(letter).collect())
    }

    /// Appends the event to its stream again, to be called when the cause is fixed. Consumers that handled the event skip it.
    /// Returns false if there is no dead letter with this id.
    pub async fn redrive(&self, id: &str) -> Result<bool> {
        static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redrive.lua")));
        let mut redis = self.redis.clone();
        Ok(SCRIPT.key(&self.stream).arg(id).invoke_async(&mut redis).await?)
    }
}

fn letter(entry: &StreamId) -> DeadLetter {
    let text = |name: &str| entry.get::<String>(name).unwrap_or_default();
    DeadLetter {
        id: entry.id.clone(),
        stream: text("stream"),
        event_id: text("id"),
        name: text("name"),
        tries: entry.get("tries").unwrap_or_default(),
        error: text("error"),
    }
}

impl Group {
    /// Moves an entry to the dead letters, atomically.
    pub(super) async fn dead_letter(&self, entry: &Entry, tries: u32, why: &str) -> Result<()> {
        let name = entry
            .event
            .as_ref()
            .map_or("unreadable", |event| event.name.as_str());
        metrics::counter!("events_dead_total", "group" => self.name, "event" => name.to_owned()).increment(1);
        tracing::error!(
            group = self.name,
            event = name,
            entry = entry.id,
            tries,
            error = why,
            "event dead-lettered"
        );
        let mut fields = entry.fields.clone();
        for (name, value) in [
            ("stream", entry.stream.to_string()),
            ("entry", entry.id.clone()),
            ("tries", tries.to_string()),
            ("error", why.to_owned()),
        ] {
            fields.push((name.to_owned(), value.into_bytes()));
        }
        let mut redis = self.redis.clone();
        redis::pipe()
            .atomic()
            .cmd("XADD")
            .arg(dead_of(self.name))
            .arg(&["MAXLEN", "~"])
            .arg(MAX_LEN)
            .arg("*")
            .arg(&fields)
            .ignore()
            .xack(&*entry.stream, self.name, &[&entry.id])
            .ignore()
            .query_async::<()>(&mut redis)
            .await
            .context("Redis is unreachable")
    }
}
