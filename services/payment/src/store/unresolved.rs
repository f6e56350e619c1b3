//! Queries for work that is overdue.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::error::Error;

/// Start of the oldest unresolved charge and refund, `None` when every outcome is known; due time of the next reconciliation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct Oldest {
    pub charge: Option<DateTime<Utc>>,
    pub refund: Option<DateTime<Utc>>,
    pub reconciliation: Option<DateTime<Utc>>,
}

/// Returns the oldest of each.
pub async fn oldest(conn: &impl ConnectionTrait) -> Result<Oldest, Error> {
    let oldest = Oldest::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT (SELECT min(started_at) FROM payment_attempts WHERE outcome = 'open') AS charge,
                  (SELECT min(created_at) FROM refunds WHERE state = 'unknown') AS refund,
                  (SELECT min(next_reconciliation_at) FROM payments) AS reconciliation"#
    ));
    Ok(oldest.one(conn).await?.unwrap_or_default())
}
