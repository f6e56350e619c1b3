//! Dead letters: events that a consumer could not handle, kept in a stream of their own with the reason.
//!
//! An entry holds the event's fields as they came, and `stream`, `entry`, `tries`, `error`. To have one handled after all,
//! add its fields to its stream again: the other consumers know its id and pass it over.

use anyhow::{Context as _, Result};

use super::Entry;
use super::group::Group;
use crate::stream::dead_of;

/// Dead letters kept, about.
const KEPT: usize = 10_000;

impl Group {
    /// Moves an entry to the dead letters, in one step.
    pub(super) async fn bury(&self, entry: &Entry, tries: u32, why: &str) -> Result<()> {
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
