//! Statements on filed events and on the positions of the publishers' logs.

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::db::Db;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transaction::Tx;

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
        SELECT $1, key, key_seq, id, name, occurred_at, correlation_id, nullif(traceparent, ''), data, \
            clock_timestamp(), clock_timestamp() \
        FROM unnest($2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], \
            $9::bytea[]) AS filed (key, key_seq, id, name, occurred_at, correlation_id, traceparent, data) \
        ON CONFLICT DO NOTHING";
    let texts = |text: fn(&Envelope) -> &str| -> Value {
        let texts: Vec<String> = events.iter().map(|event| text(event).to_owned()).collect();
        texts.into()
    };
    let values = [
        source.into(),
        texts(|event| &event.key),
        events
            .iter()
            .map(|event| event.key_seq)
            .collect::<Vec<i64>>()
            .into(),
        events.iter().map(|event| event.id).collect::<Vec<Uuid>>().into(),
        texts(|event| &event.name),
        events
            .iter()
            .map(|event| event.occurred_at)
            .collect::<Vec<DateTime<Utc>>>()
            .into(),
        texts(|event| &event.correlation_id),
        texts(|event| event.traceparent.as_deref().unwrap_or_default()),
        events
            .iter()
            .map(|event| event.data.clone())
            .collect::<Vec<Vec<u8>>>()
            .into(),
    ];
    tx.conn().execute_raw(statement(row, values)).await?;
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
    /// Moves the position of a publisher's log over `range` if every one of its `events` is handled: the normal case, since
    /// Redis is faster. False when one is not, or when the position does not stand at the start.
    pub(super) async fn skip_handled(
        &self,
        source: &'static str,
        range: &Range<i64>,
        events: &[Envelope],
    ) -> Result<bool, Error> {
        let sql = "UPDATE inbox_positions SET position = $3 WHERE source = $1 AND position = $2 AND NOT EXISTS ( \
            SELECT FROM unnest($4::text[], $5::bigint[]) AS event (key, key_seq) \
            LEFT JOIN inbox_cursors c ON c.source = $1 AND c.key = event.key \
            WHERE c.handled_seq IS NULL OR c.handled_seq < event.key_seq)";
        let (keys, numbers): (Vec<String>, Vec<i64>) = events
            .iter()
            .map(|event| (event.key.clone(), event.key_seq))
            .unzip();
        let values = [
            source.into(),
            range.start.into(),
            range.end.into(),
            keys.into(),
            numbers.into(),
        ];
        let moved = self.conn().execute_raw(statement(sql, values)).await?;
        Ok(moved.rows_affected() == 1)
    }

    /// Returns the time until the next filed event is due, dead letters excepted; `None` when there is none.
    pub(super) async fn next_filed_due(&self) -> Result<Option<Duration>, Error> {
        let sql = "SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 AS seconds \
            FROM inbox WHERE dead_at IS NULL";
        let Some(row) = self.conn().query_one_raw(statement(sql, [])).await? else {
            return Ok(None);
        };
        let seconds: Option<f64> = row.try_get("", "seconds")?;
        Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
    }

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
