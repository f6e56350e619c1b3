//! Removes rows whose time is over: kept replies, handled and sent events.

use std::time::Duration;

use carshare_chassis::Shutdown;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;

use crate::db::Db;
use crate::error::Error;
use crate::lease::Lease;

const PERIOD: Duration = Duration::from_mins(10);
/// Sent events can be sent again for this long when Redis has lost them.
const SENT_KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// Handled events are known for this long; much longer than they can come again.
const HANDLED_KEPT_FOR: TimeDelta = TimeDelta::days(7);
/// Rows removed by one statement, so that none holds its locks for long.
const CHUNK: u64 = 5_000;

/// Removes expired rows every ten minutes until `shutdown`. Every service runs it beside its relay and consumers.
pub async fn housekeeping(db: &Db, shutdown: Shutdown) {
    Lease::every(db, "housekeeping", PERIOD)
        .run(shutdown, || sweep(db))
        .await;
}

async fn sweep(db: &Db) -> Result<(), Error> {
    let now = db.environment().clock.now();
    remove(db, "idempotency", "expires_at", now).await?;
    remove(db, "inbox", "handled_at", now - HANDLED_KEPT_FOR).await?;
    remove(db, "outbox", "sent_at", now - SENT_KEPT_FOR).await
}

async fn remove(db: &Db, table: &'static str, time: &'static str, until: DateTime<Utc>) -> Result<(), Error> {
    // The time is asked twice. A row that somebody changes while we wait for its lock may have a new life (a key used
    // anew, an event to be sent again): only the outer condition is asked again then, and not every PostgreSQL asks
    // that of `ctid`.
    let sql = format!(
        "DELETE FROM {table} WHERE {time} <= $1 \
         AND ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {time} <= $1 LIMIT {CHUNK}))"
    );
    loop {
        // Only names from this file go into the statement.
        let removed = sqlx::query(AssertSqlSafe(sql.clone()))
            .bind(until)
            .execute(db.pool())
            .await?
            .rows_affected();
        metrics::counter!("housekeeping_removed_total", "table" => table).increment(removed);
        if removed < CHUNK {
            return Ok(());
        }
    }
}
