//! Dead letters: events that a consumer gave up, kept in a stream of their own with the reason.
//!
//! An entry holds the event's fields as they came, and `stream`, `entry`, `tries`, `error`.

use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use carshare_chassis::config;
use redis::aio::ConnectionManager;
use redis::streams::{StreamId, StreamRangeReply};
use redis::{AsyncCommands as _, Script};

use super::Entry;
use super::group::Group;
use crate::envelope::dead_of;

/// Dead letters kept, about.
const KEPT: usize = 10_000;

/// The dead letters of a consumer, for whoever repairs.
pub struct DeadLetters {
    redis: ConnectionManager,
    stream: String,
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its place among the dead letters, for [`DeadLetters::redrive`].
    pub place: String,
    /// The stream it came from.
    pub stream: String,
    /// Its id; empty if it could not be read.
    pub event_id: String,
    /// Its name; empty if it could not be read.
    pub name: String,
    /// How often it was tried.
    pub tries: u32,
    /// What the last try ended with. Not for users.
    pub error: String,
}

impl DeadLetters {
    /// Those of consumer `group`.
    pub fn of(redis: &config::Redis, group: &str) -> Result<Self> {
        Ok(Self {
            redis: redis.shared()?,
            stream: dead_of(group),
        })
    }

    /// The oldest ones.
    pub async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let reply: StreamRangeReply = self
            .redis
            .clone()
            .xrange_count(&self.stream, "-", "+", limit)
            .await?;
        Ok(reply.ids.iter().map(letter).collect())
    }

    /// Puts an event back into the stream it came from, as its newest entry, after its cause is mended. Consumers that
    /// have handled it pass it over. False if there is no letter at this place.
    pub async fn redrive(&self, place: &str) -> Result<bool> {
        static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redrive.lua")));
        let mut redis = self.redis.clone();
        Ok(SCRIPT
            .key(&self.stream)
            .arg(place)
            .invoke_async(&mut redis)
            .await?)
    }
}

fn letter(entry: &StreamId) -> DeadLetter {
    let text = |name: &str| entry.get::<String>(name).unwrap_or_default();
    DeadLetter {
        place: entry.id.clone(),
        stream: text("stream"),
        event_id: text("id"),
        name: text("name"),
        tries: entry.get("tries").unwrap_or_default(),
        error: text("error"),
    }
}

impl Group {
    /// Moves an entry to the dead letters, in one step.
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
            "event given up"
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
            .arg(KEPT)
            .arg("*")
            .arg(&fields)
            .ignore()
            .xack(&*entry.stream, self.name, &[&entry.id])
            .ignore()
            .query_async::<()>(&mut redis)
            .await
            .context("Redis is away")
    }
}
