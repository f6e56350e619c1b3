//! Repairs consumers after the database of a publisher was restored to an earlier moment: the events after it are lost, and new
//! ones take their numbers and positions.

use anyhow::{Context as _, ensure};
use carshare_chassis::config::Redis;
use redis::AsyncCommands as _;
use sea_orm::{ConnectionTrait as _, DbBackend, FromQueryResult as _, Statement};

use crate::db::Db;
use crate::envelope;
use crate::error::Error;
use crate::transaction::Tx;

/// How far the log of a publisher goes.
#[derive(Debug, Clone)]
pub struct LogEnd {
    /// Position of the newest event that has one.
    position: i64,
    /// Keys and the number of the last event of each.
    keys: Vec<String>,
    last_seqs: Vec<i64>,
}

/// What a repair has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sea_orm::FromQueryResult)]
pub struct Rewound {
    /// Keys whose cursor was ahead of the log.
    pub cursors: i64,
    /// Filed events that the log does not have any more.
    pub filed: i64,
    /// Whether the position was ahead of the log.
    pub positions: i64,
}

struct Rewind {
    source: String,
    end: LogEnd,
}

/// Moves cursors and the position back to the end of the log. Cursors of keys that the log does not know are deleted.
const REWIND: &str = "\
    WITH log AS MATERIALIZED ( \
        SELECT * FROM unnest($3::text[], $4::bigint[]) AS log (key, last_seq)), \
    unknown AS ( \
        DELETE FROM inbox_cursors c WHERE c.source = $1 AND NOT EXISTS (SELECT FROM log WHERE log.key = c.key) RETURNING 1), \
    ahead AS ( \
        UPDATE inbox_cursors c SET handled_seq = log.last_seq FROM log \
        WHERE c.source = $1 AND c.key = log.key AND c.handled_seq > log.last_seq RETURNING 1), \
    lost AS ( \
        DELETE FROM inbox i WHERE i.source = $1 \
        AND NOT EXISTS (SELECT FROM log WHERE log.key = i.key AND log.last_seq >= i.key_seq) RETURNING 1), \
    moved AS ( \
        UPDATE inbox_positions SET position = $2 WHERE source = $1 AND position > $2 RETURNING 1) \
    SELECT (SELECT count(*) FROM unknown) + (SELECT count(*) FROM ahead) AS cursors, \
        (SELECT count(*) FROM lost) AS filed, (SELECT count(*) FROM moved) AS positions";

impl Db {
    /// Fails while a process of this service runs: sessions of its role are open.
    pub async fn ensure_stopped(&self) -> anyhow::Result<()> {
        let sql = "SELECT count(*) AS open FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()";
        let row = self.conn().query_one_raw(statement(sql, [])).await?;
        let open: i64 = row.map_or(Ok(0), |row| row.try_get("", "open"))?;
        ensure!(
            open == 0,
            "{open} sessions of its role are open: stop its processes first"
        );
        Ok(())
    }

    /// Reads how far this service's log goes.
    pub async fn log_end(&self) -> Result<LogEnd, Error> {
        let position = "SELECT coalesce(max(position), 0) AS position FROM outbox";
        let row = self.conn().query_one_raw(statement(position, [])).await?;
        let keys = "SELECT key, last_seq FROM event_sequences";
        let rows = self.conn().query_all_raw(statement(keys, [])).await?;
        let pair = |row: &sea_orm::QueryResult| Ok((row.try_get("", "key")?, row.try_get("", "last_seq")?));
        let pairs = rows
            .iter()
            .map(pair)
            .collect::<Result<Vec<(String, i64)>, sea_orm::DbErr>>()?;
        let (keys, last_seqs) = pairs.into_iter().unzip();
        Ok(LogEnd {
            position: row.map_or(Ok(0), |row| row.try_get("", "position"))?,
            keys,
            last_seqs,
        })
    }

    /// Makes this service ready for the events that the restored publisher `source` publishes next. What was handled of the lost
    /// events stays handled.
    pub async fn rewind(&self, source: &str, end: LogEnd) -> Result<Rewound, Error> {
        let source = source.to_owned();
        self.transaction("events.rewind", Rewind { source, end }, rewind)
            .await
    }
}

/// Deletes the Redis Stream of a restored service, whose entries may be lost events. Its consumers read the log.
pub async fn delete_stream(redis: &Redis, service: &str) -> anyhow::Result<()> {
    let deleted = redis.shared()?.del::<_, ()>(envelope::stream_of(service)).await;
    deleted.with_context(|| format!("the stream of {service} cannot be deleted"))
}

async fn rewind(tx: &Tx, Rewind { source, end }: &Rewind) -> Result<Rewound, Error> {
    let values = [
        source.as_str().into(),
        end.position.into(),
        end.keys.clone().into(),
        end.last_seqs.clone().into(),
    ];
    let row = tx.conn().query_one_raw(statement(REWIND, values)).await?;
    let row = row.ok_or_else(|| Error::Internal(anyhow::anyhow!("no row")))?;
    Ok(Rewound::from_query_result(&row, "")?)
}

fn statement(sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
