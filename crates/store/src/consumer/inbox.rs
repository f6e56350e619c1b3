//! Statements on the tables of a consumer: positions, cursors and filed events.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::db::Db;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transaction::Tx;

/// The cursor of a key, locked by this transaction or new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Number of the last handled event.
    pub(super) handled_seq: i64,
    /// Events of the key wait in the inbox.
    pub(super) has_filed: bool,
    stored: Stored,
}

/// How a cursor stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// It has no row.
    No,
    AsIs,
    /// It has moved since it was read.
    Behind,
}

impl Cursor {
    /// The cursor of a new key whose event `handled_seq` is handled now.
    pub(super) fn new(handled_seq: i64) -> Self {
        Self {
            handled_seq,
            has_filed: false,
            stored: Stored::No,
        }
    }

    /// The cursor of a row that is locked.
    pub(super) fn locked(handled_seq: i64, has_filed: bool) -> Self {
        Self {
            handled_seq,
            has_filed,
            stored: Stored::AsIs,
        }
    }

    /// Moves past the next event.
    pub(super) fn advance(&mut self) {
        self.handled_seq += 1;
        if self.stored == Stored::AsIs {
            self.stored = Stored::Behind;
        }
    }
}

/// A filed event, as the worker claims it and operators see it.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct FiledEvent {
    /// Id of the event.
    pub id: Uuid,
    /// Service that published it.
    pub source: String,
    /// Dotted name, `booking.requested`.
    pub name: String,
    /// Id of the aggregate.
    pub key: String,
    /// Number of the event among those of its key.
    pub key_seq: i64,
    /// Number of the last handled event of the key.
    pub handled_seq: i64,
    /// Failed attempts.
    pub attempts: i32,
    /// Cause of the last failure. Internal text, not for users.
    pub error: Option<String>,
    /// When its attempts were exhausted.
    pub dead_at: Option<DateTime<Utc>>,
}

/// Returns the numbers of the last handled events.
pub(super) async fn handled(
    tx: &Tx,
    source: &'static str,
    keys: Vec<String>,
) -> Result<HashMap<String, i64>, Error> {
    let sql = "SELECT key, handled_seq FROM inbox_cursors WHERE source = $1 AND key = ANY($2)";
    let rows = tx
        .conn()
        .query_all_raw(statement(sql, [source.into(), keys.into()]))
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "key")?, row.try_get("", "handled_seq")?)))
        .collect()
}

/// Locks the cursors of `keys` in their order. With `skip_locked` those that another transaction holds are left out, as are
/// keys without a cursor.
pub(super) async fn lock_cursors(
    tx: &Tx,
    source: &'static str,
    keys: Vec<String>,
    skip_locked: bool,
) -> Result<HashMap<String, Cursor>, Error> {
    let skip = if skip_locked { "SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT c.key, c.handled_seq, \
            EXISTS (SELECT FROM inbox i WHERE i.source = c.source AND i.key = c.key) AS has_filed \
         FROM inbox_cursors c WHERE c.source = $1 AND c.key = ANY($2) ORDER BY c.key FOR UPDATE OF c {skip}"
    );
    let rows = tx
        .conn()
        .query_all_raw(statement(&sql, [source.into(), keys.into()]))
        .await?;
    rows.iter()
        .map(|row| {
            let cursor = Cursor::locked(row.try_get("", "handled_seq")?, row.try_get("", "has_filed")?);
            Ok((row.try_get("", "key")?, cursor))
        })
        .collect()
}

/// Stores the cursors that have moved. A new key that another transaction has stored meanwhile is an error: both handled its
/// first event.
pub(super) async fn store_cursors(
    tx: &Tx,
    source: &'static str,
    cursors: HashMap<String, Cursor>,
) -> Result<(), Error> {
    let insert = "INSERT INTO inbox_cursors (source, key, handled_seq) \
        SELECT $1, key, handled_seq FROM unnest($2::text[], $3::bigint[]) AS moved (key, handled_seq)";
    let update = "UPDATE inbox_cursors SET handled_seq = moved.handled_seq \
        FROM unnest($2::text[], $3::bigint[]) AS moved (key, handled_seq) \
        WHERE inbox_cursors.source = $1 AND inbox_cursors.key = moved.key";
    for (sql, stored) in [(insert, Stored::No), (update, Stored::Behind)] {
        let (keys, numbers): (Vec<String>, Vec<i64>) = cursors
            .iter()
            .filter(|(_, cursor)| cursor.stored == stored)
            .map(|(key, cursor)| (key.clone(), cursor.handled_seq))
            .unzip();
        if !keys.is_empty() {
            let values = [source.into(), keys.into(), numbers.into()];
            tx.conn().execute_raw(statement(sql, values)).await?;
        }
    }
    Ok(())
}

/// Files events, with a cursor for each of their keys. Those that are filed already are left as they are.
pub(super) async fn insert(tx: &Tx, source: &'static str, events: &[&Envelope]) -> Result<(), Error> {
    let cursor = "INSERT INTO inbox_cursors (source, key, handled_seq) \
        SELECT $1, key, 0 FROM unnest($2::text[]) AS filed (key) ON CONFLICT DO NOTHING";
    let mut keys: Vec<String> = events.iter().map(|event| event.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    tx.conn()
        .execute_raw(statement(cursor, [source.into(), keys.into()]))
        .await?;
    let row = "INSERT INTO inbox (source, key, key_seq, id, name, occurred_at, correlation_id, traceparent, data, \
            filed_at, due_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), clock_timestamp()) ON CONFLICT DO NOTHING";
    for event in events {
        let values: [Value; 9] = [
            source.into(),
            event.key.clone().into(),
            event.key_seq.into(),
            event.id.into(),
            event.name.clone().into(),
            event.occurred_at.into(),
            event.correlation_id.clone().into(),
            event.traceparent.clone().into(),
            event.data.clone().into(),
        ];
        tx.conn().execute_raw(statement(row, values)).await?;
    }
    Ok(())
}

/// Moves the position of a publisher's log from the start to the end of `range`; false when it does not stand at the start.
pub(super) async fn move_position(tx: &Tx, source: &'static str, range: &Range<i64>) -> Result<bool, Error> {
    let sql = "UPDATE inbox_positions SET position = $3 WHERE source = $1 AND position = $2";
    let values = [source.into(), range.start.into(), range.end.into()];
    Ok(tx
        .conn()
        .execute_raw(statement(sql, values))
        .await?
        .rows_affected()
        == 1)
}

/// Claims the filed event that is due for the longest time and whose turn it is, with the lock of its key.
pub(super) async fn claim(tx: &Tx) -> Result<Option<(FiledEvent, Envelope)>, Error> {
    let sql = "SELECT i.*, c.handled_seq FROM inbox i JOIN inbox_cursors c USING (source, key) \
        WHERE i.dead_at IS NULL AND i.due_at <= clock_timestamp() AND i.key_seq <= c.handled_seq + 1 \
        ORDER BY i.due_at LIMIT 1 FOR UPDATE OF i, c SKIP LOCKED";
    let Some(row) = tx.conn().query_one_raw(statement(sql, [])).await? else {
        return Ok(None);
    };
    Ok(Some((
        FiledEvent::from_query_result(&row, "")?,
        Envelope::from_query_result(&row, "")?,
    )))
}

/// Deletes a claimed event and moves the cursor of its key to it, unless it is past it.
pub(super) async fn finish(tx: &Tx, event: &FiledEvent) -> Result<(), Error> {
    let cursor =
        "UPDATE inbox_cursors SET handled_seq = $3 WHERE source = $1 AND key = $2 AND handled_seq < $3";
    let row = "DELETE FROM inbox WHERE source = $1 AND key = $2 AND key_seq = $3";
    for sql in [cursor, row] {
        let values = [
            event.source.clone().into(),
            event.key.clone().into(),
            event.key_seq.into(),
        ];
        tx.conn().execute_raw(statement(sql, values)).await?;
    }
    Ok(())
}

/// Stores a failure of an event.
pub(super) struct Failed {
    pub(super) id: Uuid,
    pub(super) error: String,
    pub(super) attempts: i32,
    pub(super) delay_seconds: f64,
    pub(super) is_dead: bool,
}

/// Stores why an event failed and when it is due again, or that it is a dead letter.
pub(super) async fn update_failed(tx: &Tx, failed: &Failed) -> Result<(), Error> {
    let sql = "UPDATE inbox SET attempts = $2, error = $3, due_at = clock_timestamp() + make_interval(secs => $4), \
        dead_at = CASE WHEN $5 THEN clock_timestamp() END WHERE id = $1";
    let values = [
        failed.id.into(),
        failed.attempts.into(),
        failed.error.clone().into(),
        failed.delay_seconds.into(),
        failed.is_dead.into(),
    ];
    tx.conn().execute_raw(statement(sql, values)).await?;
    Ok(())
}

impl Db {
    /// Returns the position up to which the log of `source` was read; 0 at first.
    pub(super) async fn inbox_position(&self, source: &'static str) -> Result<i64, Error> {
        let read = "SELECT position FROM inbox_positions WHERE source = $1";
        if let Some(row) = self
            .conn()
            .query_one_raw(statement(read, [source.into()]))
            .await?
        {
            return Ok(row.try_get("", "position")?);
        }
        let insert = "INSERT INTO inbox_positions (source, position) VALUES ($1, 0) ON CONFLICT DO NOTHING";
        self.conn()
            .execute_raw(statement(insert, [source.into()]))
            .await?;
        Ok(0)
    }
}

pub(super) fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
