//! Deletes expired rows: idempotency replies, inbox and sent outbox rows.

use std::time::Duration;

use carshare_chassis::Shutdown;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;

use crate::db::Db;
use crate::error::Error;
use crate::lease::Lease;

const INTERVAL: Duration = Duration::from_mins(10);
/// Sent events can be sent again for this long when Redis has lost them.
const OUTBOX_RETENTION: TimeDelta = TimeDelta::hours(24);
/// Handled events are recognised for this long, much longer than a delivery can be late.
const INBOX_RETENTION: TimeDelta = TimeDelta::days(7);
/// Rows deleted by one statement, which bounds how long it holds locks.
const BATCH_SIZE: u64 = 5_000;

/// Deletes expired rows every ten minutes until `shutdown`.
pub async fn housekeeping(db: &Db, shutdown: Shutdown) {
    Lease::every(db, "housekeeping", INTERVAL)
        .run(shutdown, || sweep(db))
        .await;
}

async fn sweep(db: &Db) -> Result<(), Error> {
    let now = db.environment().clock.now();
    remove(db, "idempotency", "expires_at", now).await?;
    remove(db, "inbox", "handled_at", now - INBOX_RETENTION).await?;
    remove(db, "outbox", "sent_at", now - OUTBOX_RETENTION).await
}

async fn remove(db: &Db, table: &'static str, time: &'static str, until: DateTime<Utc>) -> Result<(), Error> {
    // The condition appears twice: a row that changes while we wait for its lock (a key used again, an event to be sent
    // again) is checked again by the outer condition only, and not every PostgreSQL rechecks `ctid`.
    let sql = format!(
        "DELETE FROM {table} WHERE {time} <= $1 \
         AND ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {time} <= $1 LIMIT {BATCH_SIZE}))"
    );
    loop {
        // Only names from this file go into the statement.
        let removed = sqlx::query(AssertSqlSafe(sql.clone()))
            .bind(until)
            .execute(db.pool())
            .await?
            .rows_affected();
        metrics::counter!("housekeeping_removed_total", "table" => table).increment(removed);
        if removed < BATCH_SIZE {
            return Ok(());
        }
    }
}
