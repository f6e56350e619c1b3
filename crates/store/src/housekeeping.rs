//! Deletes expired rows of this crate's tables, whose retentions and reasons stand here, and of the service's.

use std::time::Duration;

use carshare_chassis::Shutdown;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::db::Db;
use crate::error::Error;
use crate::schedule::Schedule;

const INTERVAL: Duration = Duration::from_mins(10);
/// Rows deleted by one statement, which bounds how long it holds locks.
const BATCH_SIZE: u64 = 5_000;

/// Table and condition of the rows to delete. `$1` is the service's clock.
///
/// `event_sequences`, `inbox_cursors` and `inbox_positions` have one row per key or publisher and are kept: a number that is
/// forgotten would make an old event look new. `inbox` rows are deleted when they are handled or skipped.
const EXPIRED: [(&str, &str); 5] = [
    ("idempotency", "expires_at <= $1"),
    // A week, for operators and for services that read the log for the first time; longer while a reader that was seen
    // within a month has not got past it.
    (
        "outbox",
        "relayed_at < $1 - interval '7 days' AND NOT EXISTS ( \
            SELECT FROM outbox_readers r WHERE r.position < outbox.position \
            AND r.seen_at > $1 - interval '30 days')",
    ),
    // A service that was removed from the mesh.
    ("outbox_readers", "seen_at < $1 - interval '30 days'"),
    // Jobs that no release has any more.
    ("schedules", "due_at < $1 - interval '7 days'"),
    // Processes that have ended.
    ("processes", "seen_at < $1 - interval '1 day'"),
];

/// Deletes expired rows every ten minutes until `shutdown`: of this crate's tables, and of those in `expired`, see
/// [`crate::StoreService::EXPIRED`].
pub async fn housekeeping(db: &Db, expired: &'static [(&'static str, &'static str)], shutdown: Shutdown) {
    Schedule::every(db, "housekeeping", INTERVAL)
        .run(shutdown, || sweep(db, expired))
        .await;
}

async fn sweep(db: &Db, expired: &[(&'static str, &'static str)]) -> Result<(), Error> {
    for (table, condition) in EXPIRED.iter().chain(expired) {
        remove(db, table, condition).await?;
    }
    Ok(())
}

async fn remove(db: &Db, table: &'static str, expired: &'static str) -> Result<(), Error> {
    // The condition appears twice: a row that changes while we wait for its lock (a key used again) is checked again by the
    // outer condition only, and not every PostgreSQL rechecks `ctid`.
    let sql = format!(
        "DELETE FROM {table} WHERE {expired} \
         AND ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {expired} LIMIT {BATCH_SIZE}))"
    );
    loop {
        let values = [db.environment().clock.now().into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, &sql, values);
        let removed = db.conn().execute_raw(statement).await?.rows_affected();
        metrics::counter!("housekeeping_removed_total", "table" => table).increment(removed);
        if removed < BATCH_SIZE {
            return Ok(());
        }
    }
}
