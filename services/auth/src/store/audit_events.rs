//! Table `audit_events`: appended only, a trigger refuses every change.

use carshare_chassis::pagination::SortKey;
use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};
use uuid::Uuid;

use crate::domain::UserId;
use crate::domain::audit::{Change, Entry, Origin};
use crate::error::Error;

/// Rows deleted by one statement, which bounds how long it holds locks.
const BATCH_SIZE: i64 = 5_000;

/// An event as its user may see it.
#[derive(Clone, PartialEq, Eq, FromQueryResult)]
pub struct OfUser {
    pub id: Uuid,
    pub occurred_at: DateTime<Utc>,
    pub action: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub by_admin: bool,
    pub session_id: Option<Uuid>,
    pub client_address: Option<String>,
    pub user_agent: Option<String>,
}

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

/// Lists a page of the events of a user, newest first, after `after`. What an admin wrote, and the address and user agent of an admin, are
/// left out: they are data of another person.
pub async fn list_of_user(
    conn: &impl ConnectionTrait,
    user: UserId,
    after: Option<SortKey>,
    limit: u64,
) -> Result<Vec<OfUser>, Error> {
    let (user_id, limit) = (user.0, limit.cast_signed());
    let (after_time, after_id) = match after {
        Some(key) => (DateTime::from_timestamp_micros(key.number), Some(key.id)),
        None => (None, None),
    };
    // The sessions of a disabled account are ended by the admin, in events without an actor.
    let rows = OfUser::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT id, occurred_at, action, outcome, session_id, by_admin,
               CASE WHEN actor_id IS NULL THEN reason END AS reason,
               CASE WHEN NOT by_admin THEN client_address END AS client_address,
               CASE WHEN NOT by_admin THEN user_agent END AS user_agent
           FROM (SELECT *, actor_id IS NOT NULL
                     OR (action = 'session_end' AND reason = 'account_disabled') IS TRUE AS by_admin
                 FROM audit_events
                 WHERE user_id = {user_id}
                   AND ({after_id}::uuid IS NULL OR (occurred_at, id) < ({after_time}::timestamptz, {after_id}::uuid))
                 ORDER BY occurred_at DESC, id DESC LIMIT {limit}) AS events
           ORDER BY occurred_at DESC, id DESC"#
    ));
    Ok(rows.all(conn).await?)
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
