//! Tables `notifications` and `feeds`.

use std::collections::BTreeMap;

use carshare_chassis::request_context::RequestContext;
use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ConnectionTrait, FromJsonQueryResult, FromQueryResult, QueryOrder as _, QuerySelect as _, raw_sql,
};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{NotificationId, UserId};
use crate::domain::message::Message;
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    /// Position in the user's feed, from 1; the cursor of the live stream.
    pub seq: i64,
    pub event_id: Uuid,
    /// Dotted name of the event.
    pub kind: String,
    pub title: String,
    pub body: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub data: Data,
    pub read_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    /// Of the request that led to it.
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Ids for the screen that the app opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Data(pub BTreeMap<String, String>);

/// The notifications of a user to list; `None` matches all.
#[derive(Clone, Debug)]
pub struct FeedFilter {
    pub user: UserId,
    pub unread_only: bool,
    /// Dotted name of the event.
    pub kind: Option<String>,
    /// Bounds of the time of writing, the first inclusive.
    pub created_from: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
}

/// Channel of `NOTIFY`; the payload is the id of a user whose feed has grown.
pub const CHANNEL: &str = "notifications";

/// A notification to insert.
#[derive(Clone, Debug)]
pub struct NewNotification {
    pub id: NotificationId,
    pub user_id: UserId,
    pub event_id: Uuid,
    /// Dotted name of the event.
    pub kind: String,
    pub message: Message,
}

/// Appends a notification to the user's feed, unless it is closed; live streams are notified when the transaction commits.
pub async fn insert(tx: &Tx, new: &NewNotification) -> Result<(), Error> {
    let (id, user_id, event_id, now) = (new.id.0, new.user_id.0, new.event_id, tx.now());
    let (kind, message) = (new.kind.as_str(), new.message.clone());
    let (title, body, data) = (message.title, message.body, Data(message.data));
    let context = RequestContext::current();
    let correlation_id = context
        .as_ref()
        .map(|context| context.correlation_id().to_owned());
    let traceparent = context.and_then(|context| context.traceparent());
    let insert = raw_sql!(
        Postgres,
        r#"WITH feed AS (
               INSERT INTO feeds (user_id, last_seq) VALUES ({user_id}, 1)
               ON CONFLICT (user_id) DO UPDATE SET last_seq = feeds.last_seq + 1 WHERE feeds.closed_at IS NULL
               RETURNING last_seq
           )
           INSERT INTO notifications
               (id, user_id, seq, event_id, kind, title, body, data, created_at, correlation_id, traceparent)
           SELECT {id}, {user_id}, last_seq, {event_id}, {kind}, {title}, {body}, {data}, {now}, {correlation_id}, {traceparent}
           FROM feed"#
    );
    tx.conn().execute_raw(insert).await?;
    let (channel, payload) = (CHANNEL, user_id.to_string());
    let notify = raw_sql!(Postgres, "SELECT pg_notify({channel}, {payload})");
    tx.conn().execute_raw(notify).await?;
    Ok(())
}

/// Finds a notification of the user.
pub async fn find(
    conn: &impl ConnectionTrait,
    user: UserId,
    id: NotificationId,
) -> Result<Option<Model>, Error> {
    let found = Entity::find_by_id(id.0).filter(Column::UserId.eq(user.0));
    Ok(found.one(conn).await?)
}

/// Lists a page of a feed, newest first, below the position `before`.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: &FeedFilter,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    let mut page = select(filter).order_by_desc(Column::Seq).limit(limit);
    if let Some(seq) = before {
        page = page.filter(Column::Seq.lt(seq));
    }
    Ok(page.all(conn).await?)
}

pub async fn count(conn: &impl ConnectionTrait, filter: &FeedFilter) -> Result<u64, Error> {
    Ok(select(filter).count(conn).await?)
}

fn select(filter: &FeedFilter) -> Select<Entity> {
    let conditions = [
        filter.unread_only.then(|| Column::ReadAt.is_null()),
        filter.kind.as_deref().map(|kind| Column::Kind.eq(kind)),
        filter.created_from.map(|time| Column::CreatedAt.gte(time)),
        filter.created_before.map(|time| Column::CreatedAt.lt(time)),
    ];
    let mut query = Entity::find().filter(Column::UserId.eq(filter.user.0));
    for condition in conditions.into_iter().flatten() {
        query = query.filter(condition);
    }
    query
}

/// Lists a feed after the position `seq`, oldest first.
pub async fn list_after(
    conn: &impl ConnectionTrait,
    user: UserId,
    seq: i64,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    let page = Entity::find()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::Seq.gt(seq))
        .order_by_asc(Column::Seq)
        .limit(limit);
    Ok(page.all(conn).await?)
}

/// Marks a notification of the user as read, unless it is already. `None` when the user has no such notification.
pub async fn update_read(tx: &Tx, user: UserId, id: NotificationId) -> Result<Option<Model>, Error> {
    let (id, user_id, now) = (id.0, user.0, tx.now());
    let update = Model::find_by_statement(raw_sql!(
        Postgres,
        r#"UPDATE notifications SET read_at = COALESCE(read_at, {now})
           WHERE id = {id} AND user_id = {user_id}
           RETURNING id, user_id, seq, event_id, kind, title, body, data, read_at, created_at, correlation_id, traceparent"#
    ));
    Ok(update.one(tx.conn()).await?)
}

/// Marks the unread notifications of the user as read and returns their number.
pub async fn update_all_read(tx: &Tx, user: UserId) -> Result<u64, Error> {
    let update = Entity::update_many()
        .col_expr(Column::ReadAt, Expr::value(tx.now()))
        .filter(Column::UserId.eq(user.0))
        .filter(Column::ReadAt.is_null());
    Ok(update.exec(tx.conn()).await?.rows_affected)
}

pub async fn count_unread(conn: &impl ConnectionTrait, user: UserId) -> Result<u64, Error> {
    let unread = Entity::find()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::ReadAt.is_null());
    Ok(unread.count(conn).await?)
}

/// A notification about a booking.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct OfBooking {
    pub user_id: Uuid,
    /// Dotted name of the event.
    pub kind: String,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
    /// Devices that it was pushed to.
    pub pushed_devices: i64,
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
}

/// Lists the notifications about a booking, of every recipient, oldest first.
pub async fn list_of_booking(conn: &impl ConnectionTrait, booking: Uuid) -> Result<Vec<OfBooking>, Error> {
    let booking = booking.to_string();
    let list = OfBooking::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT n.user_id, n.kind, n.created_at, n.read_at, n.correlation_id, n.traceparent,
                  (SELECT count(*) FROM deliveries d WHERE d.notification_id = n.id AND d.state = 'sent') AS pushed_devices
           FROM notifications n WHERE n.data ->> 'booking_id' = {booking} ORDER BY n.created_at, n.id"#
    ));
    Ok(list.all(conn).await?)
}
