//! Statements on the outbox: the log of a service's events.

use std::time::Duration;

use carshare_chassis::request_context::RequestContext;
use carshare_chassis::trace_context;
use carshare_proto::events::EventMessage;
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult, Statement, Value};

use crate::db::Db;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transaction::Tx;

/// Age from which events are listed to readers, in seconds of PostgreSQL's clock: younger ones are on their way by Redis.
const LISTED_AGE_SECONDS: i32 = 2;

/// An event with its place in the log.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Positioned {
    pub(crate) position: i64,
    #[sea_orm(nested)]
    pub(crate) envelope: Envelope,
}

/// Appends an event with the next number of its key, and the trace and correlation id of the current request.
pub(crate) async fn append<E: EventMessage>(tx: &Tx, event: &E) -> Result<(), Error> {
    let id = tx.new_id();
    let context = RequestContext::current();
    let correlation_id = context
        .as_ref()
        .map_or_else(|| id.to_string(), |context| context.correlation_id().to_owned());
    let traceparent = match context {
        Some(context) => context.traceparent(),
        None => trace_context::of_current_span().and_then(|context| trace_context::to_traceparent(&context)),
    };
    let sql = "WITH next AS ( \
            INSERT INTO event_sequences AS known (key, last_seq) VALUES ($3, 1) \
            ON CONFLICT (key) DO UPDATE SET last_seq = known.last_seq + 1 RETURNING last_seq) \
        INSERT INTO outbox (id, name, key, key_seq, occurred_at, correlation_id, traceparent, data) \
        SELECT $1, $2, $3, last_seq, $4, $5, $6, $7 FROM next";
    let values = [
        id.into(),
        E::NAME.into(),
        event.key().into(),
        tx.now().into(),
        correlation_id.into(),
        traceparent.into(),
        event.encode_to_vec().into(),
    ];
    tx.conn().execute_raw(statement(sql, values)).await?;
    Ok(())
}

impl Db {
    /// Gives the oldest `limit` events without a position their place in the log, and returns them in that order.
    pub(crate) async fn relay_outbox(&self, limit: usize) -> Result<Vec<Positioned>, Error> {
        let sql = "SELECT * FROM relay_outbox($1) ORDER BY position";
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let rows = self.conn().query_all_raw(statement(sql, [limit.into()])).await?;
        read(&rows)
    }

    /// Returns the events after `position`, oldest first, and the newest position of the log.
    pub(crate) async fn list_outbox(
        &self,
        position: i64,
        limit: i64,
    ) -> Result<(Vec<Positioned>, i64), Error> {
        let sql = "SELECT * FROM outbox WHERE position > $1 \
            AND relayed_at <= clock_timestamp() - make_interval(secs => $3) ORDER BY position LIMIT $2";
        let values = [position.into(), limit.into(), LISTED_AGE_SECONDS.into()];
        let events = read(&self.conn().query_all_raw(statement(sql, values)).await?)?;
        let last = "SELECT coalesce(max(position), 0) AS last FROM outbox WHERE position IS NOT NULL";
        let row = self.conn().query_one_raw(statement(last, [])).await?;
        let last = row.map_or(Ok(0), |row| row.try_get("", "last"))?;
        Ok((events, last))
    }

    /// Records that `reader` has stored every event up to `position`.
    pub(crate) async fn confirm_reader(&self, reader: &str, position: i64) -> Result<(), Error> {
        let sql = "INSERT INTO outbox_readers AS known (name, position, seen_at) VALUES ($1, $2, clock_timestamp()) \
            ON CONFLICT (name) DO UPDATE SET position = excluded.position, seen_at = excluded.seen_at \
            WHERE known.position <> excluded.position OR known.seen_at < clock_timestamp() - interval '1 minute'";
        let values = [reader.into(), position.into()];
        self.conn().execute_raw(statement(sql, values)).await?;
        Ok(())
    }

    /// Returns the age of the oldest event that has no position yet, in seconds of PostgreSQL's clock; zero when there is
    /// none.
    pub(crate) async fn outbox_oldest_seconds(&self) -> Result<f64, Error> {
        let sql = "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8 AS age \
            FROM outbox WHERE position IS NULL";
        let row = self.conn().query_one_raw(statement(sql, [])).await?;
        Ok(row.map_or(Ok(0.0), |row| row.try_get("", "age"))?)
    }

    /// Counts events that have waited in the outbox for longer than `age`. Normally none waits for a minute; zero counts
    /// all that have no position yet.
    pub async fn outbox_backlog(&self, age: Duration) -> Result<u64, Error> {
        let sql = "SELECT count(*) AS waiting FROM outbox WHERE position IS NULL AND occurred_at <= $1";
        let age = chrono::TimeDelta::from_std(age).unwrap_or(chrono::TimeDelta::MAX);
        let before = self.environment().clock.now() - age;
        let row = self.conn().query_one_raw(statement(sql, [before.into()])).await?;
        let waiting: i64 = row.map_or(Ok(0), |row| row.try_get("", "waiting"))?;
        Ok(waiting.unsigned_abs())
    }
}

fn read(rows: &[sea_orm::QueryResult]) -> Result<Vec<Positioned>, Error> {
    rows.iter()
        .map(|row| Ok(Positioned::from_query_result(row, "")?))
        .collect()
}

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
