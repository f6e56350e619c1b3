//! Table `booking_claims`: claims after rentals. Their steps are taken under the lock of the booking.

mod row;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ConnectionTrait, FromQueryResult, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, Select,
    raw_sql,
};

use crate::domain::claim::ClaimStatus;
use crate::domain::{BookingId, Claim, ClaimId, Party};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "booking_claims")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub booking_id: Uuid,
    pub guest_id: Uuid,
    pub host_id: Uuid,
    pub version: i64,
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    pub claimed_krw: i64,
    pub approved_krw: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub evidence: Json,
    pub returned_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub objection: Option<String>,
    pub objected_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decision_reason: Option<String>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<DateTimeUtc>,
    pub object_by: DateTimeUtc,
    pub payment_due_at: Option<DateTimeUtc>,
    pub refunded_krw: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Key of a claim in [`list_objected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimKey {
    pub created_at: DateTime<Utc>,
    pub id: ClaimId,
}

/// Finds a claim of this booking.
pub async fn find_of(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    id: ClaimId,
) -> Result<Option<Claim>, Error> {
    let found = Entity::find_by_id(id.0).filter(Column::BookingId.eq(booking.0));
    found.one(conn).await?.map(row::claim).transpose()
}

/// Lists the claims of a booking, newest first.
pub async fn list(conn: &impl ConnectionTrait, booking: BookingId) -> Result<Vec<Claim>, Error> {
    let newest = Entity::find()
        .filter(Column::BookingId.eq(booking.0))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id);
    read_all(newest, conn).await
}

/// Lists the claims that wait for a decision, those that were filed first first.
pub async fn list_objected(
    conn: &impl ConnectionTrait,
    after: Option<ClaimKey>,
    limit: u64,
) -> Result<Vec<Claim>, Error> {
    let mut query = Entity::find().filter(Column::Status.eq(ClaimStatus::Objected.as_str()));
    if let Some(ClaimKey { created_at, id }) = after {
        let key = Expr::tuple([Expr::col(Column::CreatedAt), Expr::col(Column::Id)]);
        query = query.filter(key.gt(Expr::tuple([Expr::value(created_at), Expr::value(id.0)])));
    }
    let page = query
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    read_all(page, conn).await
}

async fn read_all(query: Select<Entity>, conn: &impl ConnectionTrait) -> Result<Vec<Claim>, Error> {
    query.all(conn).await?.into_iter().map(row::claim).collect()
}

pub async fn insert(conn: &impl ConnectionTrait, claim: &Claim) -> Result<(), Error> {
    Entity::insert(row::model(claim).into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Updates what a step has changed, and increments the version. [`carshare_store::Error::Stale`] when it changed since it was read.
pub async fn update(conn: &impl ConnectionTrait, claim: &mut Claim) -> Result<(), Error> {
    let read_at = claim.version;
    claim.version += 1;
    let row = row::model(claim);
    let updated = Entity::update_many()
        .col_expr(Column::Version, Expr::value(row.version))
        .col_expr(Column::Status, Expr::value(row.status))
        .col_expr(Column::ApprovedKrw, Expr::value(row.approved_krw))
        .col_expr(Column::Objection, Expr::value(row.objection))
        .col_expr(Column::ObjectedAt, Expr::value(row.objected_at))
        .col_expr(Column::DecisionReason, Expr::value(row.decision_reason))
        .col_expr(Column::DecidedBy, Expr::value(row.decided_by))
        .col_expr(Column::DecidedAt, Expr::value(row.decided_at))
        .col_expr(Column::PaymentDueAt, Expr::value(row.payment_due_at))
        .col_expr(Column::RefundedKrw, Expr::value(row.refunded_krw))
        .col_expr(Column::UpdatedAt, Expr::value(row.updated_at))
        .filter(Column::Id.eq(row.id))
        .filter(Column::Version.eq(read_at))
        .exec(conn)
        .await?;
    Ok(carshare_store::Error::expect_one(updated.rows_affected)?)
}

/// Lists up to `limit` bookings of which the deadline of a claim has passed.
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
        r#"SELECT booking_id FROM booking_claims WHERE status = 'open' AND object_by <= {now}
           UNION SELECT booking_id FROM booking_claims
               WHERE status = 'awaiting_payment' AND payment_due_at <= {now}
           LIMIT {limit}"#
    );
    let rows = Row::find_by_statement(due).all(conn).await?;
    Ok(rows.into_iter().map(|row| BookingId(row.booking_id)).collect())
}

/// Erases the texts that a party has written in claims of these bookings. The caller has locked the bookings, none of which has an open claim.
pub async fn erase_texts(
    conn: &impl ConnectionTrait,
    bookings: &[BookingId],
    party: Party,
) -> Result<(), Error> {
    let bookings: Vec<Uuid> = bookings.iter().map(|booking| booking.0).collect();
    let is_host = party == Party::Host;
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"UPDATE booking_claims
           SET description = CASE WHEN NOT {is_host} THEN description END,
               objection = CASE WHEN {is_host} THEN objection END,
               decision_reason = NULL
           WHERE booking_id = ANY({bookings}::uuid[])"#
    ))
    .await?;
    Ok(())
}
