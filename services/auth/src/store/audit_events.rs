//! Table `audit_events`: appended only, a trigger refuses every change.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, raw_sql};

use crate::domain::audit::{Change, Entry, Origin};
use crate::error::Error;

/// Rows deleted by one statement, which bounds how long it holds locks.
const BATCH_SIZE: i64 = 5_000;

/// Appends an event in the transaction of its effect. A log line without personal data follows the commit.
pub async fn insert(tx: &Tx, origin: &Origin, entry: &Entry) -> Result<(), Error> {
    let (id, now) = (tx.new_id(), tx.now());
    let (action, outcome, reason) = (
        entry.action.as_str(),
        entry.outcome.as_str(),
        entry.reason.clone(),
    );
    let account = entry.account.map(|account| account.0.to_vec());
    let (user_id, actor_id) = (entry.user.map(|user| user.0), entry.actor.map(|actor| actor.0));
    let session_id = entry.session.map(|session| session.0);
    let (client_address, user_agent) = (origin.address(), origin.client.user_agent.clone());
    let correlation_id = origin.correlation_id.clone();
    let (before, after) = match entry.change.clone() {
        Some(Change { before, after }) => (Some(before), Some(after)),
        None => (None, None),
    };
    let insert = raw_sql!(
        Postgres,
        r#"INSERT INTO audit_events (id, occurred_at, action, outcome, reason, account, user_id, actor_id, session_id,
               client_address, user_agent, correlation_id, before, after)
           VALUES ({id}, {now}, {action}, {outcome}, {reason}, {account}, {user_id}, {actor_id}, {session_id},
               {client_address}, {user_agent}, {correlation_id}, {before}, {after})"#
    );
    tx.conn().execute_raw(insert).await?;
    // What an admin has written may name people; it is in the table only.
    let reason = entry.reason.clone().filter(|_| actor_id.is_none());
    let correlation_id = origin.correlation_id.clone();
    let text = |id: uuid::Uuid| id.to_string();
    let (user_id, actor_id, session_id) = (user_id.map(text), actor_id.map(text), session_id.map(text));
    tx.on_commit(move || {
        metrics::counter!("auth_audit_events_total", "action" => action, "outcome" => outcome).increment(1);
        tracing::info!(
            action,
            outcome,
            reason,
            user_id,
            actor_id,
            session_id,
            correlation_id,
            "audit event"
        );
    });
    Ok(())
}

/// Deletes the events before `before` and returns their number.
pub async fn delete_before(conn: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, Error> {
    let mut deleted = 0;
    loop {
        let batch = raw_sql!(
            Postgres,
            r#"DELETE FROM audit_events WHERE id = ANY(ARRAY(
                   SELECT id FROM audit_events WHERE occurred_at < {before} ORDER BY occurred_at LIMIT {BATCH_SIZE}))"#
        );
        let rows = conn.execute_raw(batch).await?.rows_affected();
        deleted += rows;
        if rows < BATCH_SIZE.cast_unsigned() {
            return Ok(deleted);
        }
    }
}
