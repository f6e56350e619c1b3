//! `notifications` and `feeds`.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    raw_sql,
};
use serde_json::Value;
use uuid::Uuid;

/// A notification to insert.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    /// Position in the person's feed, from 1; the cursor of the live stream.
    pub seq: i64,
    /// The event behind it.
    pub event_id: Uuid,
    /// Dotted name of the event.
    pub kind: String,
    pub title: String,
    pub body: String,
    /// Ids, as a flat object of strings.
    pub data: Json,
    /// When it was read.
    pub read_at: Option<DateTimeUtc>,
    /// When it was written.
    pub created_at: DateTimeUtc,
}

/// None: other tables are reached by SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The channel on which a person's id is announced when something new is committed for them.
pub const CHANNEL: &str = "notifications";

/// A notification to write. Its place in the feed is given by the database.
#[derive(Clone, Debug)]
pub struct New {
    /// UUID v7.
    pub id: Uuid,
    pub user_id: Uuid,
    /// The event behind it.
    pub event_id: Uuid,
    /// Dotted name of the event.
    pub kind: String,
    pub title: String,
    pub body: String,
    /// Ids, as a flat object of strings.
    pub data: Value,
}

#[derive(FromQueryResult)]
struct Seq {
    last_seq: i64,
}

/// Appends to the person's feed and wakes live streams when the transaction commits.
pub async fn insert(db: &impl ConnectionTrait, new: &New, now: DateTime<Utc>) -> Result<(), DbErr> {
    let New {
        id,
        user_id,
        event_id,
        kind,
        title,
        body,
        data,
    } = new.clone();
    let (channel, payload) = (CHANNEL, user_id.to_string());
    db.execute_raw(raw_sql!(
        Postgres,
        r#"WITH place AS (
               INSERT INTO feeds (user_id, last_seq) VALUES ({user_id}, 1)
               ON CONFLICT (user_id) DO UPDATE SET last_seq = feeds.last_seq + 1
               RETURNING last_seq
           )
           INSERT INTO notifications (id, user_id, seq, event_id, kind, title, body, data, created_at)
           SELECT {id}, {user_id}, last_seq, {event_id}, {kind}, {title}, {body}, {data}, {now} FROM place"#
    ))
    .await?;
    db.execute_raw(raw_sql!(Postgres, "SELECT pg_notify({channel}, {payload})"))
        .await?;
    Ok(())
}

/// A page of the feed, newest first, below `before`.
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    unread_only: bool,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut query = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .order_by_desc(Column::Seq)
        .limit(limit);
    if unread_only {
        query = query.filter(Column::ReadAt.is_null());
    }
    if let Some(seq) = before {
        query = query.filter(Column::Seq.lt(seq));
    }
    query.all(db).await
}

/// What came after a place in the feed, oldest first.
pub async fn list_after(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    seq: i64,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Seq.gt(seq));
    query.order_by_asc(Column::Seq).limit(limit).all(db).await
}

/// The last place of the feed; 0 before the first notification.
pub async fn find_last_seq(db: &impl ConnectionTrait, user_id: Uuid) -> Result<i64, DbErr> {
    let row = Seq::find_by_statement(raw_sql!(
        Postgres,
        "SELECT last_seq FROM feeds WHERE user_id = {user_id}"
    ))
    .one(db);
    Ok(row.await?.map_or(0, |row| row.last_seq))
}

/// Marks as read what is the person's; the first time counts. `None` when there is no such notification of theirs.
pub async fn update_read(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Model>, DbErr> {
    Model::find_by_statement(raw_sql!(
        Postgres,
        r#"UPDATE notifications SET read_at = COALESCE(read_at, {now})
           WHERE id = {id} AND user_id = {user_id}
           RETURNING id, user_id, seq, event_id, kind, title, body, data, read_at, created_at"#
    ))
    .one(db)
    .await
}
