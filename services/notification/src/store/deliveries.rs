//! Table `deliveries`: pushes of a notification to a device.

use carshare_chassis::request_context::RequestContext;
use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};
use uuid::Uuid;

use super::notifications::Data;
use crate::domain::ids::{DeviceId, NotificationId, UserId};
use crate::error::Error;

/// A claimed delivery with its notification and the token of its device.
#[derive(Clone, FromQueryResult)]
pub struct Claimed {
    pub id: Uuid,
    pub device_id: Uuid,
    pub token: String,
    /// Number of this attempt, from 1. A later claim has a higher one, so it identifies the claim.
    pub attempts: i32,
    pub notification_id: Uuid,
    /// Dotted name of the event.
    pub kind: String,
    pub title: String,
    pub body: String,
    pub data: Data,
    correlation_id: Option<String>,
    traceparent: Option<String>,
}

impl Claimed {
    /// Returns the request context of the event that led to the push.
    pub fn request_context(&self) -> RequestContext {
        let correlation_id = self.correlation_id.clone().unwrap_or_else(|| self.id.to_string());
        RequestContext::background(correlation_id, self.traceparent.as_deref())
    }
}

/// Final state of a delivery; before it is `pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum State {
    Sent,
    Dropped,
}

/// Inserts a pending delivery for each device of the notification's user, with the current correlation id and trace.
pub async fn insert_all(tx: &Tx, notification: NotificationId) -> Result<(), Error> {
    let context = RequestContext::current();
    let correlation_id = context
        .as_ref()
        .map(|context| context.correlation_id().to_owned());
    let traceparent = context.and_then(|context| context.traceparent());
    let (notification_id, now) = (notification.0, tx.now());
    let insert = raw_sql!(
        Postgres,
        r#"INSERT INTO deliveries
               (id, notification_id, device_id, state, next_attempt_at, updated_at, correlation_id, traceparent)
           SELECT gen_random_uuid(), n.id, d.id, 'pending', {now}, {now}, {correlation_id}, {traceparent}
           FROM notifications n JOIN devices d ON d.user_id = n.user_id
           WHERE n.id = {notification_id}
           ON CONFLICT ON CONSTRAINT deliveries_once DO NOTHING"#
    );
    tx.conn().execute_raw(insert).await?;
    Ok(())
}

/// Claims up to `limit` due deliveries, oldest first, until `until`; other workers skip them meanwhile. Those whose device
/// was deleted or moved to another user are dropped.
pub async fn claim(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<Claimed>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let claim = raw_sql!(
        Postgres,
        r#"WITH due AS (
               SELECT id FROM deliveries WHERE state = 'pending' AND next_attempt_at <= {now}
               ORDER BY next_attempt_at LIMIT {limit} FOR UPDATE SKIP LOCKED
           ), addressed AS (
               SELECT due.id FROM due JOIN deliveries USING (id)
               JOIN notifications n ON n.id = notification_id
               JOIN devices d ON d.id = device_id AND d.user_id = n.user_id
           ), orphaned AS (
               UPDATE deliveries SET state = 'dropped', outcome = 'device gone', updated_at = {now}
               WHERE id IN (SELECT id FROM due EXCEPT SELECT id FROM addressed)
           ), claimed AS (
               UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = {until}, updated_at = {now}
               WHERE id IN (SELECT id FROM addressed)
               RETURNING id, notification_id, device_id, attempts, correlation_id, traceparent
           )
           SELECT c.id, c.device_id, d.token, c.attempts, n.id AS notification_id, n.kind, n.title, n.body, n.data,
                  c.correlation_id, c.traceparent
           FROM claimed c JOIN notifications n ON n.id = c.notification_id
           JOIN devices d ON d.id = c.device_id AND d.user_id = n.user_id
           ORDER BY n.seq"#
    );
    Ok(Claimed::find_by_statement(claim).all(conn).await?)
}

/// Returns when the next pending delivery is due.
pub async fn next_attempt_at(conn: &impl ConnectionTrait) -> Result<Option<DateTime<Utc>>, Error> {
    #[derive(FromQueryResult)]
    struct Next {
        at: Option<DateTime<Utc>>,
    }
    let next = Next::find_by_statement(raw_sql!(
        Postgres,
        "SELECT min(next_attempt_at) AS at FROM deliveries WHERE state = 'pending'"
    ));
    Ok(next.one(conn).await?.and_then(|next| next.at))
}

/// Ends a delivery, unless the claim has ended or the delivery has.
pub async fn finish(tx: &Tx, claimed: &Claimed, state: State, outcome: &str) -> Result<(), Error> {
    let (id, attempts, state, now) = (claimed.id, claimed.attempts, <&str>::from(state), tx.now());
    let update = raw_sql!(
        Postgres,
        r#"UPDATE deliveries SET state = {state}, outcome = {outcome}, updated_at = {now}
           WHERE id = {id} AND state = 'pending' AND attempts = {attempts}"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
}

/// Schedules the next attempt, unless the claim has ended or the delivery has.
pub async fn retry(tx: &Tx, claimed: &Claimed, outcome: &str, retry_at: DateTime<Utc>) -> Result<(), Error> {
    let (id, attempts) = (claimed.id, claimed.attempts);
    let update = raw_sql!(
        Postgres,
        r#"UPDATE deliveries SET next_attempt_at = {retry_at}, outcome = {outcome}
           WHERE id = {id} AND state = 'pending' AND attempts = {attempts}"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
}

/// Drops the pending deliveries to a device.
pub async fn drop_for_device(tx: &Tx, device: DeviceId) -> Result<(), Error> {
    let (device_id, now) = (device.0, tx.now());
    let update = raw_sql!(
        Postgres,
        r#"UPDATE deliveries SET state = 'dropped', outcome = 'device gone', updated_at = {now}
           WHERE device_id = {device_id} AND state = 'pending'"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
}

/// Drops the pending deliveries to a device that are not for `user`, who has it now.
pub async fn drop_foreign(tx: &Tx, device: DeviceId, user: UserId) -> Result<(), Error> {
    let (device_id, user_id, now) = (device.0, user.0, tx.now());
    let update = raw_sql!(
        Postgres,
        r#"UPDATE deliveries SET state = 'dropped', outcome = 'device moved', updated_at = {now}
           FROM notifications n
           WHERE deliveries.device_id = {device_id} AND deliveries.state = 'pending'
             AND n.id = deliveries.notification_id AND n.user_id <> {user_id}"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
}
