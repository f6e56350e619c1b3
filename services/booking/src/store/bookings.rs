//! Table `bookings`.

mod by_id;
mod count_live;
mod insert;
mod row;
mod search;
mod update;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType};
use sea_orm::{ConnectionTrait, FromQueryResult, Order, QueryOrder as _, QuerySelect as _, raw_sql};
use uuid::Uuid;

pub use by_id::list_by_id;
pub use count_live::{LIVE_STATES, count_live};
pub use insert::insert;
pub use update::{overlaps_live, update, update_erased, update_past};

use crate::domain::{Booking, BookingId, PaymentStatus, Status, UserId, VehicleId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bookings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub vehicle_id: Uuid,
    pub guest_id: Uuid,
    pub host_id: Uuid,
    pub starts_at: DateTimeUtc,
    pub ends_at: DateTimeUtc,
    pub hourly_rate_krw: i64,
    pub total_krw: i64,
    pub platform_fee_krw: i64,
    pub refund_full_until_s: i32,
    pub refund_part_until_s: i32,
    pub refund_part_bps: i32,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub price_lines: Option<Json>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub policy: Option<Json>,
    pub vehicle_snapshot: Vec<u8>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text")]
    pub payment_status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub guest_message: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub host_response: Option<String>,
    pub respond_by: DateTimeUtc,
    pub payment_due_at: Option<DateTimeUtc>,
    pub confirmed_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub cancellation_reason: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub cancellation_message: Option<String>,
    pub refund_krw: Option<i64>,
    pub cancelled_at: Option<DateTimeUtc>,
    pub refunded_krw: i64,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub charges: Option<Json>,
    pub open_change_id: Option<Uuid>,
    #[sea_orm(column_type = "Text", nullable)]
    pub search_text: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whose bookings to list.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    Guest(UserId),
    Host(UserId),
}

/// The bookings of an owner to list; `None` matches all.
#[derive(Clone, Debug)]
pub struct BookingFilter {
    pub owner: Owner,
    pub status: Option<Status>,
    /// Any of them; all if empty.
    pub statuses: Vec<Status>,
    pub payment_status: Option<PaymentStatus>,
    pub vehicle: Option<VehicleId>,
    /// Bounds of the start of the rental, the first inclusive.
    pub starts_from: Option<DateTime<Utc>>,
    pub starts_before: Option<DateTime<Utc>>,
    /// Time after which the rental ends.
    pub ends_after: Option<DateTime<Utc>>,
    /// Bounds of the time of the request, the first inclusive.
    pub created_from: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
    /// Part of the car or of a message, in any case.
    pub text: Option<String>,
}

impl BookingFilter {
    /// Returns the filter that all bookings of the owner match.
    pub fn all_of(owner: Owner) -> Self {
        Self {
            owner,
            status: None,
            statuses: Vec::new(),
            payment_status: None,
            vehicle: None,
            starts_from: None,
            starts_before: None,
            ends_after: None,
            created_from: None,
            created_before: None,
            text: None,
        }
    }
}

/// Order of a list, by id among equal times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookingOrder {
    Newest,
    EarliestStart,
    LatestStart,
}

/// Sort key of a booking in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageKey {
    /// Of the request or of the start of the rental, by the order.
    pub time: DateTime<Utc>,
    /// Orders bookings with equal times.
    pub id: BookingId,
}

impl BookingOrder {
    pub fn key(self, booking: &Booking) -> PageKey {
        let time = match self {
            Self::Newest => booking.created_at,
            Self::EarliestStart | Self::LatestStart => booking.period.start(),
        };
        PageKey { time, id: booking.id }
    }
}

pub async fn find(conn: &impl ConnectionTrait, id: BookingId) -> Result<Option<Booking>, Error> {
    let found = Entity::find_by_id(id.0).one(conn).await?;
    found.map(row::booking).transpose()
}

/// Locks a booking until the transaction ends.
pub async fn lock(conn: &impl ConnectionTrait, id: BookingId) -> Result<Option<Booking>, Error> {
    let found = Entity::find_by_id(id.0).lock_exclusive().one(conn).await?;
    found.map(row::booking).transpose()
}

/// Lists up to `limit` bookings after a key.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: &BookingFilter,
    order: BookingOrder,
    after: Option<PageKey>,
    limit: u64,
) -> Result<Vec<Booking>, Error> {
    read_all(page(filter, order, after, limit), conn).await
}

async fn read_all(page: Select<Entity>, conn: &impl ConnectionTrait) -> Result<Vec<Booking>, Error> {
    let rows = page.all(conn).await?;
    rows.into_iter().map(row::booking).collect()
}

fn page(filter: &BookingFilter, order: BookingOrder, after: Option<PageKey>, limit: u64) -> Select<Entity> {
    let (column, direction) = match order {
        BookingOrder::Newest => (Column::CreatedAt, Order::Desc),
        BookingOrder::EarliestStart => (Column::StartsAt, Order::Asc),
        BookingOrder::LatestStart => (Column::StartsAt, Order::Desc),
    };
    let mut query = select(filter);
    if let Some(PageKey { time, id }) = after {
        let key = Expr::tuple([Expr::col(column), Expr::col(Column::Id)]);
        let after = Expr::tuple([Expr::value(time), Expr::value(id.0)]);
        query = query.filter(match direction {
            Order::Asc => key.gt(after),
            _ => key.lt(after),
        });
    }
    query
        .order_by(column, direction.clone())
        .order_by(Column::Id, direction)
        .limit(limit)
}

pub async fn count(conn: &impl ConnectionTrait, filter: &BookingFilter) -> Result<u64, Error> {
    Ok(select(filter).count(conn).await?)
}

fn select(filter: &BookingFilter) -> Select<Entity> {
    let owner = match filter.owner {
        Owner::Guest(id) => Column::GuestId.eq(id.0),
        Owner::Host(id) => Column::HostId.eq(id.0),
    };
    let statuses = filter.statuses.iter().map(|status| status.as_str());
    let conditions = [
        filter.status.map(|status| Column::Status.eq(status.as_str())),
        (!filter.statuses.is_empty()).then(|| Column::Status.is_in(statuses)),
        filter
            .payment_status
            .map(|status| Column::PaymentStatus.eq(status.as_str())),
        filter.vehicle.map(|vehicle| Column::VehicleId.eq(vehicle.0)),
        filter.starts_from.map(|time| Column::StartsAt.gte(time)),
        filter.starts_before.map(|time| Column::StartsAt.lt(time)),
        filter.ends_after.map(|time| Column::EndsAt.gt(time)),
        filter.created_from.map(|time| Column::CreatedAt.gte(time)),
        filter.created_before.map(|time| Column::CreatedAt.lt(time)),
        filter.text.as_deref().map(search::contains),
    ];
    let mut query = Entity::find().filter(owner);
    for condition in conditions.into_iter().flatten() {
        query = query.filter(condition);
    }
    query
}

/// Lists up to `limit` bookings whose deadline has passed: to answer, to pay, to start, and (by `overdue`) to return.
pub async fn list_due(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    overdue: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<BookingId>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let limit = limit as i64;
    let due = raw_sql!(
        Postgres,
        r#"SELECT id FROM bookings WHERE status = 'pending' AND respond_by <= {now}
           UNION ALL SELECT id FROM bookings
               WHERE status = 'approved' AND payment_status = 'pending' AND payment_due_at <= {now}
           UNION ALL SELECT id FROM bookings
               WHERE status = 'approved' AND payment_status = 'paid' AND ends_at <= {now}
           UNION ALL SELECT id FROM bookings WHERE status = 'active' AND ends_at <= {overdue}
           LIMIT {limit}"#
    );
    let rows = Row::find_by_statement(due).all(conn).await?;
    Ok(rows.into_iter().map(|row| BookingId(row.id)).collect())
}

/// Locks a booking until the transaction ends, unless another transaction has locked it.
pub async fn lock_if_free(conn: &impl ConnectionTrait, id: BookingId) -> Result<Option<Booking>, Error> {
    let found = Entity::find_by_id(id.0).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    found.one(conn).await?.map(row::booking).transpose()
}

/// Lists and locks up to `limit` bookings after a key, newest first.
pub async fn lock_list(
    conn: &impl ConnectionTrait,
    filter: &BookingFilter,
    after: Option<PageKey>,
    limit: u64,
) -> Result<Vec<Booking>, Error> {
    let page = page(filter, BookingOrder::Newest, after, limit).lock_exclusive();
    read_all(page, conn).await
}
