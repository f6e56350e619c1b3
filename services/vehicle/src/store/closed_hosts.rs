//! Table `closed_hosts`: hosts whose account was deleted. A trigger refuses further cars of them.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};
use uuid::Uuid;

use crate::domain::UserId;
use crate::error::Result;

/// Closes a host after insertions of their cars that are in progress; later ones are refused. Repeats change nothing.
pub async fn insert(conn: &impl ConnectionTrait, host: UserId, now: DateTime<Utc>) -> Result<()> {
    let user_id = host.0;
    conn.execute_raw(raw_sql!(
        Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.closed_hosts.' || {user_id}::text, 0))"
    ))
    .await?;
    conn.execute_raw(raw_sql!(
        Postgres,
        "INSERT INTO closed_hosts (user_id, closed_at) VALUES ({user_id}, {now}) ON CONFLICT DO NOTHING"
    ))
    .await?;
    Ok(())
}

/// Finds the host closed longest ago whose cars are not erased yet.
pub async fn find_unerased(conn: &impl ConnectionTrait) -> Result<Option<UserId>> {
    #[derive(FromQueryResult)]
    struct Row {
        user_id: Uuid,
    }
    let unerased = Row::find_by_statement(raw_sql!(
        Postgres,
        "SELECT user_id FROM closed_hosts WHERE erased_at IS NULL ORDER BY closed_at LIMIT 1"
    ));
    Ok(unerased.one(conn).await?.map(|row| UserId(row.user_id)))
}

/// Records that the cars of a host are erased.
pub async fn erased(conn: &impl ConnectionTrait, host: UserId, now: DateTime<Utc>) -> Result<()> {
    let user_id = host.0;
    conn.execute_raw(raw_sql!(
        Postgres,
        "UPDATE closed_hosts SET erased_at = {now} WHERE user_id = {user_id}"
    ))
    .await?;
    Ok(())
}
