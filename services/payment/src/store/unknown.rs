//! What the provider has not answered for: since when the oldest charge and the oldest refund have no known outcome.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::error::Error;

/// Since when; `None` when every outcome is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Oldest {
    /// The oldest charge.
    pub charge: Option<DateTime<Utc>>,
    /// The oldest refund.
    pub refund: Option<DateTime<Utc>>,
}

/// The oldest of each.
pub async fn oldest(conn: &impl ConnectionTrait) -> Result<Oldest, Error> {
    let found = Oldest::find_by_statement(raw_sql!(
        Postgres,
        "SELECT (SELECT min(started_at) FROM payment_attempts WHERE outcome = 'open') AS charge, \
                (SELECT min(created_at) FROM refunds WHERE state = 'unknown') AS refund"
    ));
    let found = found.one(conn).await?;
    Ok(found.unwrap_or(Oldest {
        charge: None,
        refund: None,
    }))
}
