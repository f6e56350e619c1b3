//! Table `booking_changes`: changes of bookings that were asked for.

mod row;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ConnectionTrait, FromQueryResult, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, raw_sql,
};

use crate::domain::{BookingChange, BookingId, ChangeId, Party};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "booking_changes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub booking_id: Uuid,
    pub version: i64,
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text")]
    pub requested_by: String,
    pub ends_at: DateTimeUtc,
    pub previous_ends_at: DateTimeUtc,
    pub vehicle_id: Uuid,
    pub previous_vehicle_id: Uuid,
    #[sea_orm(column_type = "JsonBinary")]
    pub price: Json,
    pub difference_krw: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub message: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub response: Option<String>,
    pub respond_by: DateTimeUtc,
    pub payment_due_at: Option<DateTimeUtc>,
    pub vehicle_snapshot: Option<Vec<u8>>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Finds a change. Its steps are taken under the lock of its booking.
pub async fn find(conn: &impl ConnectionTrait, id: ChangeId) -> Result<Option<BookingChange>, Error> {
    let found = Entity::find_by_id(id.0).one(conn).await?;
    found.map(row::change).transpose()
}

/// Finds a change of this booking.
pub async fn find_of(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    id: ChangeId,
) -> Result<Option<BookingChange>, Error> {
    let found = Entity::find_by_id(id.0).filter(Column::BookingId.eq(booking.0));
    found.one(conn).await?.map(row::change).transpose()
}

/// Lists up to `limit` changes of a booking, newest first.
pub async fn list(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    limit: u64,
) -> Result<Vec<BookingChange>, Error> {
    let newest = Entity::find()
        .filter(Column::BookingId.eq(booking.0))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    newest.all(conn).await?.into_iter().map(row::change).collect()
}

/// Inserts a change. The caller has locked the booking, which has no open one.
pub async fn insert(conn: &impl ConnectionTrait, change: &BookingChange) -> Result<(), Error> {
    Entity::insert(row::model(change).into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Updates what a step has changed, and increments the version. [`carshare_store::Error::Stale`] when it changed since it was read.
pub async fn update(conn: &impl ConnectionTrait, change: &mut BookingChange) -> Result<(), Error> {
    let read_at = change.version;
    change.version += 1;
    let row = row::model(change);
    let updated = Entity::update_many()
        .col_expr(Column::Version, Expr::value(row.version))
        .col_expr(Column::Status, Expr::value(row.status))
        .col_expr(Column::Response, Expr::value(row.response))
        .col_expr(Column::PaymentDueAt, Expr::value(row.payment_due_at))
        .col_expr(Column::UpdatedAt, Expr::value(row.updated_at))
        .filter(Column::Id.eq(row.id))
        .filter(Column::Version.eq(read_at))
        .exec(conn)
        .await?;
    Ok(carshare_store::Error::expect_one(updated.rows_affected)?)
}

/// Lists up to `limit` bookings of which the deadline of an open change has passed. Also those that have ended with an open change: an
/// earlier release does not close it.
pub async fn list_due(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<BookingId>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        booking_id: Uuid,
    }
    let limit = limit as i64;
    let due = raw_sql!(
        Postgres,
        r#"SELECT booking_id FROM booking_changes WHERE status = 'requested' AND respond_by <= {now}
           UNION ALL SELECT booking_id FROM booking_changes
               WHERE status = 'awaiting_payment' AND payment_due_at <= {now}
           UNION ALL SELECT c.booking_id FROM booking_changes c JOIN bookings b ON b.id = c.booking_id
               WHERE c.status IN ('requested', 'awaiting_payment') AND b.status NOT IN ('approved', 'active')
           LIMIT {limit}"#
    );
    let rows = Row::find_by_statement(due).all(conn).await?;
    Ok(rows.into_iter().map(|row| BookingId(row.booking_id)).collect())
}

/// Erases the texts that a party has written in changes of these bookings, and the cars of a host. The caller has locked the bookings, which
/// have ended.
pub async fn erase_texts(
    conn: &impl ConnectionTrait,
    bookings: &[BookingId],
    party: Party,
) -> Result<(), Error> {
    let bookings: Vec<Uuid> = bookings.iter().map(|booking| booking.0).collect();
    let (party, is_host) = (party.as_str(), party == Party::Host);
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"UPDATE booking_changes
           SET message = CASE WHEN requested_by <> {party} THEN message END,
               response = CASE WHEN requested_by = {party} THEN response END,
               vehicle_snapshot = CASE WHEN NOT {is_host} THEN vehicle_snapshot END
           WHERE booking_id = ANY({bookings}::uuid[])"#
    ))
    .await?;
    Ok(())
}
