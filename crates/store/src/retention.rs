//! Deletes expired rows of a service's tables.

use sqlx::AssertSqlSafe;

use crate::db::Db;
use crate::error::Error;

/// Rows deleted by one statement, which bounds how long it holds locks.
const BATCH_SIZE: u64 = 5_000;

/// Deletes the rows of each table for which the condition holds. `$1` in a condition is the time of the injected clock.
///
/// Any number of processes may run it at a time. A service's README gives the reason of each retention.
pub async fn delete_expired(db: &Db, expired: &[(&'static str, &'static str)]) -> Result<(), Error> {
    for (table, condition) in expired {
        // The condition appears twice: a row that changes while its lock is awaited is checked again by the outer condition
        // only.
        let sql = format!(
            "DELETE FROM {table} WHERE {condition} \
             AND ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {condition} LIMIT {BATCH_SIZE}))"
        );
        loop {
            // The statement consists of constants of the services.
            let deleted = sqlx::query(AssertSqlSafe(sql.clone()))
                .bind(db.environment().clock.now())
                .execute(db.pool())
                .await?
                .rows_affected();
            metrics::counter!("housekeeping_removed_total", "table" => *table).increment(deleted);
            if deleted < BATCH_SIZE {
                break;
            }
        }
    }
    Ok(())
}
