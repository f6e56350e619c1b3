//! Sums of money that is neither settled nor given back.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::error::Error;

/// Where money in flight is: to be charged; charged with an unknown outcome; captured for a rental that has not ended; to be refunded;
/// refunded with an unknown outcome.
pub const STATES: [&str; 5] = ["due", "unknown", "captured", "refund_due", "refund_unknown"];

/// Payments or refunds in a state of [`STATES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct InFlight {
    pub state: String,
    pub count: i64,
    pub krw: i64,
}

/// Returns what is in flight; a state without any is missing. It reads the partial indexes of open work and of the payments that are still
/// compared with the provider, which are those of rentals that have not ended and of the week after.
pub async fn list(conn: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<InFlight>, Error> {
    let sums = InFlight::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT state, count(*) AS count, sum(amount_krw)::bigint AS krw FROM payments
               WHERE next_check_at IS NOT NULL AND state IN ('due', 'unknown') GROUP BY state
           UNION ALL SELECT 'captured', count(*), sum(amount_krw - refunded_krw)::bigint FROM payments
               WHERE next_reconciliation_at IS NOT NULL AND state = 'completed' AND rental_ends_at > {now} HAVING count(*) > 0
           UNION ALL SELECT 'refund_' || state, count(*), sum(amount_krw)::bigint FROM refunds
               WHERE next_check_at IS NOT NULL GROUP BY state"#
    ));
    Ok(sums.all(conn).await?)
}
