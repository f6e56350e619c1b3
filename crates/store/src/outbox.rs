//! Statements on the outbox: the log of a service's events.

use std::time::Duration;

use carshare_chassis::Shutdown;
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult, Statement, Value};

use crate::db::Db;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::transaction::EVENTS_COMMITTED;

/// Age from which events are listed to readers, in seconds of PostgreSQL's clock: younger ones are on their way by Redis.
const LISTED_AGE_SECONDS: i32 = 2;

/// An event with its place in the log.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Positioned {
    pub(crate) position: i64,
    #[sea_orm(nested)]
    pub(crate) envelope: Envelope,
}

impl Db {
    /// Notifies the relays of other processes whenever this one has committed events, until `shutdown`. After the commit,
    /// because transactions that notify wait for each other's commits.
    pub(crate) async fn announce_events(&self, shutdown: Shutdown) {
        let committed = self.job_signal(EVENTS_COMMITTED);
        loop {
            tokio::select! {
                () = committed.notified() => {}
                () = shutdown.cancelled() => return,
            }
            let sql = "SELECT pg_notify('outbox.' || current_schema(), '')";
            if let Err(error) = self.conn().query_one_raw(statement(sql, [])).await {
                tracing::warn!(error = %error, "cannot notify the relays, which poll");
            }
        }
    }

    /// Gives the oldest `limit` events without a position their place in the log, and returns them in that order.
    pub(crate) async fn relay_outbox(&self, limit: usize) -> Result<Vec<Positioned>, Error> {
        let sql = "SELECT * FROM relay_outbox($1) ORDER BY position";
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let rows = self.conn().query_all_raw(statement(sql, [limit.into()])).await?;
        rows.iter().map(positioned).collect()
    }

    /// Records that `reader` has stored every event up to `position`, and returns the events after it, oldest first, and the
    /// newest position of the log.
    pub(crate) async fn read_outbox(
        &self,
        reader: &str,
        position: i64,
        limit: i64,
    ) -> Result<(Vec<Positioned>, i64), Error> {
        let sql = "WITH confirmed AS ( \
                INSERT INTO outbox_readers AS known (name, position, seen_at) VALUES ($4, $1, clock_timestamp()) \
                ON CONFLICT (name) DO UPDATE SET position = excluded.position, seen_at = excluded.seen_at \
                WHERE known.position <> excluded.position OR known.seen_at < clock_timestamp() - interval '1 minute'), \
            page AS ( \
                SELECT * FROM outbox WHERE position > $1 \
                AND relayed_at <= clock_timestamp() - make_interval(secs => $3) ORDER BY position LIMIT $2) \
            SELECT page.*, newest.last FROM ( \
                SELECT coalesce(max(position), 0) AS last FROM outbox WHERE position IS NOT NULL) AS newest \
            LEFT JOIN page ON true ORDER BY page.position";
        let values = [
            position.into(),
            limit.into(),
            LISTED_AGE_SECONDS.into(),
            reader.into(),
        ];
        let rows = self.conn().query_all_raw(statement(sql, values)).await?;
        let last = rows.first().map_or(Ok(0), |row| row.try_get("", "last"))?;
        // Without an event there is one row, of which only the newest position is set.
        let is_event = |row: &&sea_orm::QueryResult| row.try_get::<i64>("", "position").is_ok();
        let events = rows.iter().filter(is_event).map(positioned);
        Ok((events.collect::<Result<_, _>>()?, last))
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

fn positioned(row: &sea_orm::QueryResult) -> Result<Positioned, Error> {
    Ok(Positioned::from_query_result(row, "")?)
}

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
