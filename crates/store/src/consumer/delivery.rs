//! Delivers a batch of events: handles those whose turn it is, and files the others.
//!
//! The fast path is one transaction for the whole batch. When anything in it fails, it is rolled back and the batch is filed
//! instead, so that one bad event or locked row delays its own key only.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use sea_orm::ConnectionTrait as _;

use super::cursors::{self, Cursor, Run};
use super::inbox;
use super::registry::{HandlerError, Registry};
use super::{Shared, worker};
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transaction::Tx;

/// Longest wait for a lock on the fast path; other keys of the batch wait as long.
const LOCK_TIMEOUT: &str = "200ms";

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
    /// Every event is handled or a duplicate, as the streams are meant to deliver them.
    InOrder,
    /// Every event is handled, filed or a duplicate. Some were filed, or came first by the log: streams miss events.
    OutOfOrder,
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

    /// Returns the events of each key that follow one another without a gap; keys whose events do not are left out.
    fn runs(&self) -> Vec<Run> {
        let mut runs: BTreeMap<&str, Option<(i64, i64)>> = BTreeMap::new();
        for event in &self.events {
            let next = (event.key_seq, event.key_seq);
            runs.entry(&event.key)
                .and_modify(|run| *run = run.filter(|run| run.1 + 1 == next.0).map(|run| (run.0, next.1)))
                .or_insert(Some(next));
        }
        let run = |(key, run): (&str, Option<(i64, i64)>)| {
            let (first, last) = run?;
            let key = key.to_owned();
            Some(Run { key, first, last })
        };
        runs.into_iter().filter_map(run).collect()
    }

    /// Returns the events that are not known to be handled, without taking a lock: cursors only move forward.
    async fn unhandled(&self, tx: &Tx) -> Result<Vec<&Envelope>, Error> {
        let handled = cursors::handled(tx, self.source, keys(&self.events)).await?;
        let is_new = |event: &&Envelope| handled.get(&event.key).is_none_or(|seq| event.key_seq > *seq);
        Ok(self.events.iter().filter(is_new).collect())
    }
}

impl Shared {
    /// Delivers a batch. An error means that PostgreSQL can take nothing now.
    pub(super) async fn deliver(&self, batch: &Arc<Batch>) -> Result<Delivered, Error> {
        let delivered = self.handle_or_file(batch).await?;
        if delivered == Delivered::OutOfOrder {
            self.doubt_streams();
        }
        Ok(delivered)
    }

    async fn handle_or_file(&self, batch: &Arc<Batch>) -> Result<Delivered, Error> {
        if let Some(range) = &batch.range
            && self.db.skip_handled(batch.source, range, &batch.events).await?
        {
            return Ok(Delivered::InOrder);
        }
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
    if batch.is_from_log() {
        if !batch.advance(tx).await? {
            return Ok(Delivered::ReadByAnother);
        }
        let sql = format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'");
        tx.conn().execute_unprepared(&sql).await.map_err(Error::from)?;
        let events = batch.unhandled(tx).await?;
        handle_in_turn(tx, delivery, &events).await?;
        return Ok(Delivered::OutOfOrder);
    }
    let keys = cursors::take_turns(tx, batch.source, &batch.runs(), LOCK_TIMEOUT).await?;
    let (next, others): (Vec<&Envelope>, Vec<&Envelope>) =
        batch.events.iter().partition(|event| keys.contains(&event.key));
    for event in next {
        let handlers = &delivery.handlers;
        handlers.handle(tx, delivery.group, batch.source, event).await?;
    }
    match handle_in_turn(tx, delivery, &others).await? {
        0 => Ok(Delivered::InOrder),
        _ => Ok(Delivered::OutOfOrder),
    }
}

/// Handles events whose turn it is, in any order and with duplicates, files the others, and returns the number of those.
async fn handle_in_turn(tx: &Tx, delivery: &Delivery, events: &[&Envelope]) -> Result<usize, FastPathError> {
    if events.is_empty() {
        return Ok(0);
    }
    let batch = &*delivery.batch;
    let wanted = keys(events.iter().copied());
    let mut locked = cursors::lock(tx, batch.source, wanted, !batch.is_from_log()).await?;
    let mut filed = Vec::new();
    for &event in events {
        match turn(&mut locked, event, batch.is_from_log()) {
            Turn::Duplicate => {}
            Turn::Later => filed.push(event),
            Turn::Now => {
                let handlers = &delivery.handlers;
                handlers.handle(tx, delivery.group, batch.source, event).await?;
            }
        }
    }
    cursors::store(tx, batch.source, locked).await?;
    file(tx, batch.source, &filed).await?;
    Ok(filed.len())
}

async fn file_batch(tx: &Tx, batch: &Arc<Batch>) -> Result<Delivered, Error> {
    if !batch.advance(tx).await? {
        return Ok(Delivered::ReadByAnother);
    }
    file(tx, batch.source, &batch.unhandled(tx).await?).await?;
    Ok(Delivered::OutOfOrder)
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
mod tests;
