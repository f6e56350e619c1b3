//! Delivers a batch of events: handles those whose turn it is, and files the others.
//!
//! The fast path is one transaction for the whole batch. When anything in it fails, it is rolled back and the batch is filed
//! instead, so that one bad event or locked row delays its own key only.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use sea_orm::ConnectionTrait as _;

use super::inbox::{self, Cursor};
use super::registry::{HandlerError, Registry};
use super::{Shared, worker};
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transaction::Tx;

/// Longest wait for a lock on the fast path; other keys of the batch wait as long.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '200ms'";

/// Events of one publisher, in the order in which they arrived.
pub(super) struct Batch {
    source: &'static str,
    /// Positions that the batch covers, exclusive and inclusive, when it was read from the log.
    range: Option<Range<i64>>,
    events: Vec<Envelope>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    /// Every event is handled, filed or a duplicate.
    Stored,
    /// Another replica has read these positions of the log.
    ReadByAnother,
}

/// Why the fast path was given up. Text only: the events are tried again one by one.
#[derive(Debug)]
struct FastPathError(String);

/// When an event is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Its predecessor is handled and its cursor locked.
    Now,
    /// By the worker.
    Later,
    /// It was handled before.
    Duplicate,
}

struct Delivery {
    group: &'static str,
    handlers: Arc<Registry>,
    batch: Arc<Batch>,
}

impl Batch {
    /// A batch read from the Redis Stream, in which events may be missing.
    pub(super) fn from_stream(source: &'static str, events: Vec<Envelope>) -> Self {
        Self {
            source,
            range: None,
            events,
        }
    }

    /// The batch of all events whose position is in `range`: after its start, up to its end.
    pub(super) fn from_log(source: &'static str, range: Range<i64>, events: Vec<Envelope>) -> Self {
        Self {
            source,
            range: Some(range),
            events,
        }
    }

    fn is_from_log(&self) -> bool {
        self.range.is_some()
    }

    /// Moves the position of the log; false when another replica has.
    async fn advance(&self, tx: &Tx) -> Result<bool, Error> {
        match &self.range {
            Some(range) => inbox::move_position(tx, self.source, range).await,
            None => Ok(true),
        }
    }

    /// Returns the events that are not known to be handled, without taking a lock: cursors only move forward.
    async fn unhandled(&self, tx: &Tx) -> Result<Vec<&Envelope>, Error> {
        let handled = inbox::handled(tx, self.source, keys(&self.events)).await?;
        let is_new = |event: &&Envelope| handled.get(&event.key).is_none_or(|seq| event.key_seq > *seq);
        Ok(self.events.iter().filter(is_new).collect())
    }
}

impl Shared {
    /// Delivers a batch. An error means that PostgreSQL can take nothing now.
    pub(super) async fn deliver(&self, batch: &Arc<Batch>) -> Result<Delivered, Error> {
        let delivery = Delivery {
            group: self.group,
            handlers: Arc::clone(&self.handlers),
            batch: Arc::clone(batch),
        };
        match self
            .db
            .transaction("events.handle_batch", delivery, handle_batch)
            .await
        {
            Ok(delivered) => Ok(delivered),
            Err(FastPathError(error)) => {
                tracing::debug!(group = self.group, error, "filing a batch of events");
                self.db
                    .transaction("events.file_batch", Arc::clone(batch), file_batch)
                    .await
            }
        }
    }
}

async fn handle_batch(tx: &Tx, delivery: &Delivery) -> Result<Delivered, FastPathError> {
    let batch = &*delivery.batch;
    if !batch.advance(tx).await? {
        return Ok(Delivered::ReadByAnother);
    }
    let events: Vec<&Envelope> = if batch.is_from_log() {
        // Nearly all were handled as they came by Redis.
        batch.unhandled(tx).await?
    } else {
        batch.events.iter().collect()
    };
    if events.is_empty() {
        return Ok(Delivered::Stored);
    }
    tx.conn()
        .execute_unprepared(LOCK_TIMEOUT)
        .await
        .map_err(Error::from)?;
    let wanted = keys(events.iter().copied());
    let mut cursors = inbox::lock_cursors(tx, batch.source, wanted, !batch.is_from_log()).await?;
    let mut filed = Vec::new();
    for event in events {
        match turn(&mut cursors, event, batch.is_from_log()) {
            Turn::Duplicate => {}
            Turn::Later => filed.push(event),
            Turn::Now => {
                let handlers = &delivery.handlers;
                handlers.handle(tx, delivery.group, batch.source, event).await?;
            }
        }
    }
    inbox::store_cursors(tx, batch.source, cursors).await?;
    file(tx, batch.source, &filed).await?;
    Ok(Delivered::Stored)
}

async fn file_batch(tx: &Tx, batch: &Arc<Batch>) -> Result<Delivered, Error> {
    if !batch.advance(tx).await? {
        return Ok(Delivered::ReadByAnother);
    }
    file(tx, batch.source, &batch.unhandled(tx).await?).await?;
    Ok(Delivered::Stored)
}

async fn file(tx: &Tx, source: &'static str, events: &[&Envelope]) -> Result<(), Error> {
    if !events.is_empty() {
        inbox::insert(tx, source, events).await?;
        tx.notify_job(worker::NAME);
    }
    Ok(())
}

/// Decides when an event is handled, and moves the cursor in memory when it is now.
fn turn(cursors: &mut HashMap<String, Cursor>, event: &Envelope, from_log: bool) -> Turn {
    let Some(cursor) = cursors.get_mut(&event.key) else {
        // The key is new to this service; or another replica has locked it, or earlier events are missing. The log is
        // complete and none of its cursors was skipped, so there the key is new.
        if event.key_seq > 1 && !from_log {
            return Turn::Later;
        }
        cursors.insert(event.key.clone(), Cursor::new(event.key_seq));
        return Turn::Now;
    };
    if event.key_seq <= cursor.handled_seq {
        return Turn::Duplicate;
    }
    if cursor.has_filed || event.key_seq > cursor.handled_seq + 1 {
        cursor.has_filed = true;
        return Turn::Later;
    }
    cursor.advance();
    Turn::Now
}

fn keys<'a>(events: impl IntoIterator<Item = &'a Envelope>) -> Vec<String> {
    let mut keys: Vec<String> = events.into_iter().map(|event| event.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl From<Error> for FastPathError {
    fn from(error: Error) -> Self {
        Self(format!("{error:?}"))
    }
}

impl From<HandlerError> for FastPathError {
    fn from(error: HandlerError) -> Self {
        Self(error.cause)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn event(key: &str, key_seq: i64) -> Envelope {
        Envelope {
            id: Uuid::nil(),
            name: "user.updated".into(),
            key: key.into(),
            key_seq,
            occurred_at: DateTime::UNIX_EPOCH,
            correlation_id: String::new(),
            traceparent: None,
            data: Vec::new(),
        }
    }

    fn turns(cursor: Option<Cursor>, from_log: bool, numbers: &[i64]) -> Vec<Turn> {
        let mut cursors: HashMap<String, Cursor> = cursor
            .map(|cursor| ("k".to_owned(), cursor))
            .into_iter()
            .collect();
        numbers
            .iter()
            .map(|number| turn(&mut cursors, &event("k", *number), from_log))
            .collect()
    }

    #[test]
    fn only_the_successor_of_a_locked_cursor_is_handled_now() {
        use Turn::{Duplicate, Later, Now};
        let at = |handled_seq, has_filed| Some(Cursor::locked(handled_seq, has_filed));
        assert_eq!(
            turns(at(2, false), false, &[2, 3, 3, 4]),
            [Duplicate, Now, Duplicate, Now]
        );
        assert_eq!(turns(at(2, false), false, &[4, 3, 5]), [Later, Later, Later]);
        assert_eq!(turns(at(2, true), false, &[1, 3]), [Duplicate, Later]);
        assert_eq!(turns(None, false, &[1, 2, 1]), [Now, Now, Duplicate]);
        assert_eq!(turns(None, false, &[2, 3]), [Later, Later]);
    }

    #[test]
    fn log_begins_an_unknown_key_where_the_publisher_still_has_it() {
        assert_eq!(turns(None, true, &[5, 6, 8]), [Turn::Now, Turn::Now, Turn::Later]);
        let known = Some(Cursor::locked(2, false));
        assert_eq!(turns(known, true, &[5]), [Turn::Later]);
    }
}
