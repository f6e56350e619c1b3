//! `deliveries`: one push of one notification to one device.

use carshare_chassis::request_context::RequestContext;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, raw_sql};
use serde_json::Value;
use uuid::Uuid;

/// A push that is due, with all it takes to send it.
#[derive(Clone, FromQueryResult)]
pub struct Due {
    /// Id of the delivery.
    pub id: Uuid,
    /// The device it goes to.
    pub device_id: Uuid,
    pub token: String,
    /// Times it was tried, this one included.
    pub attempts: i32,
    pub notification_id: Uuid,
    /// Dotted name of the event.
    pub kind: String,
    pub title: String,
    pub body: String,
    /// Ids, as a flat object of strings.
    pub data: Value,
    correlation_id: Option<String>,
    traceparent: Option<String>,
}

impl Due {
    /// Returns the request context of the event that led to the push.
    pub fn request_context(&self) -> RequestContext {
        let correlation_id = self.correlation_id.clone().unwrap_or_else(|| self.id.to_string());
        RequestContext::background(correlation_id, self.traceparent.as_deref())
    }
}

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Sent,
    Dropped,
}

/// One pending push for each device of the notification's person, with the correlation id and trace of what led to it.
pub async fn insert_for(
    db: &impl ConnectionTrait,
    notification_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let scope = RequestContext::current();
    let correlation_id = scope.as_ref().map(|scope| scope.correlation_id().to_owned());
    let traceparent = scope.and_then(|scope| scope.traceparent());
    db.execute_raw(raw_sql!(
        Postgres,
        r#"INSERT INTO deliveries
               (id, notification_id, device_id, state, next_attempt_at, updated_at, correlation_id, traceparent)
           SELECT gen_random_uuid(), n.id, d.id, 'pending', {now}, {now}, {correlation_id}, {traceparent}
           FROM notifications n JOIN devices d ON d.user_id = n.user_id
           WHERE n.id = {notification_id}
           ON CONFLICT ON CONSTRAINT deliveries_once DO NOTHING"#
    ))
    .await?;
    Ok(())
}

/// Takes due pushes for this worker: they are due again at `retry_at`, which is how a worker that dies loses them.
///
/// Deliveries whose device was removed or changed its owner are dropped.
pub async fn claim(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    retry_at: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>, DbErr> {
    Due::find_by_statement(raw_sql!(
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
           ), taken AS (
               UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = {retry_at}, updated_at = {now}
               WHERE id IN (SELECT id FROM addressed)
               RETURNING id, notification_id, device_id, attempts, correlation_id, traceparent
           )
           SELECT taken.id, taken.device_id, d.token, taken.attempts, n.id AS notification_id, n.kind, n.title, n.body, n.data,
                  taken.correlation_id, taken.traceparent
           FROM taken JOIN notifications n ON n.id = taken.notification_id
           JOIN devices d ON d.id = taken.device_id AND d.user_id = n.user_id
           ORDER BY n.seq"#
    ))
    .all(db)
    .await
}

/// Returns when the next pending push is due.
pub async fn next_attempt_at(db: &impl ConnectionTrait) -> Result<Option<DateTime<Utc>>, DbErr> {
    #[derive(FromQueryResult)]
    struct Next {
        at: Option<DateTime<Utc>>,
    }
    let next = Next::find_by_statement(raw_sql!(
        Postgres,
        "SELECT min(next_attempt_at) AS at FROM deliveries WHERE state = 'pending'"
    ));
    Ok(next.one(db).await?.and_then(|next| next.at))
}

pub async fn update_state(
    db: &impl ConnectionTrait,
    id: Uuid,
    state: State,
    outcome: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let state = match state {
        State::Sent => "sent",
        State::Dropped => "dropped",
    };
    db.execute_raw(raw_sql!(
        Postgres,
        "UPDATE deliveries SET state = {state}, outcome = {outcome}, updated_at = {now} WHERE id = {id}"
    ))
    .await?;
    Ok(())
}

/// Puts a push off.
pub async fn update_retry(
    db: &impl ConnectionTrait,
    id: Uuid,
    outcome: &str,
    next_attempt_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    db.execute_raw(raw_sql!(
        Postgres,
        "UPDATE deliveries SET next_attempt_at = {next_attempt_at}, outcome = {outcome} WHERE id = {id} AND state = 'pending'"
    ))
    .await?;
    Ok(())
}

/// Drops everything that is still pending for a device.
pub async fn drop_for_device(
    db: &impl ConnectionTrait,
    device_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    db.execute_raw(raw_sql!(
        Postgres,
        r#"UPDATE deliveries SET state = 'dropped', outcome = 'device gone', updated_at = {now}
           WHERE device_id = {device_id} AND state = 'pending'"#
    ))
    .await?;
    Ok(())
}

/// Drops what is pending for a device about somebody else than the person who has it now.
pub async fn drop_foreign(
    db: &impl ConnectionTrait,
    device_id: Uuid,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    db.execute_raw(raw_sql!(
        Postgres,
        r#"UPDATE deliveries SET state = 'dropped', outcome = 'device moved', updated_at = {now}
           FROM notifications n
           WHERE deliveries.device_id = {device_id} AND deliveries.state = 'pending'
             AND n.id = deliveries.notification_id AND n.user_id <> {user_id}"#
    ))
    .await?;
    Ok(())
}
