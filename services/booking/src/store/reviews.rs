//! Table `reviews`.

mod row;

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, raw_sql};

use crate::domain::{BookingId, Party, Review, ReviewId, UserId, VehicleId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reviews")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub booking_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub author: String,
    pub vehicle_id: Uuid,
    pub reviewer_id: Uuid,
    pub reviewee_id: Uuid,
    pub rating: i32,
    pub cleanliness: Option<i32>,
    pub punctuality: Option<i32>,
    pub manners: Option<i32>,
    pub is_recommended: bool,
    #[sea_orm(column_type = "Text", nullable)]
    pub comment: Option<String>,
    pub created_at: DateTimeUtc,
    pub visible_at: DateTimeUtc,
    pub posted_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub reply: Option<String>,
    pub replied_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub report_reason: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub report_details: Option<String>,
    pub reported_at: Option<DateTimeUtc>,
    pub moderated_at: Option<DateTimeUtc>,
    pub hidden_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Reviews to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewFilter {
    /// Visible ones of a car, by its guests.
    OfVehicle(VehicleId),
    /// Visible ones about a user.
    Received(UserId),
    /// Visible ones by a user.
    Written(UserId),
    /// All by a user, for that user.
    WrittenByCaller(UserId),
}

/// Sort key of a review in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewKey {
    /// Of its creation, or of its report in the list of reported ones.
    pub time: DateTime<Utc>,
    /// Orders reviews with equal times.
    pub id: ReviewId,
}

/// Returns the key of a review in [`list`].
pub fn written(review: &Review) -> ReviewKey {
    ReviewKey {
        time: review.created_at,
        id: review.id,
    }
}

/// Returns the key of a review in [`list_reported`].
pub fn reported(review: &Review) -> ReviewKey {
    let report = review.report.as_ref();
    ReviewKey {
        time: report.map_or(review.created_at, |report| report.reported_at),
        id: review.id,
    }
}

/// Inserts a review. [`crate::domain::ReviewRefusal::AlreadyReviewed`] if its author has reviewed the booking.
pub async fn insert(conn: &impl ConnectionTrait, review: &Review) -> Result<(), Error> {
    Entity::insert(row::model(review).into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Locks a review until the transaction ends.
pub async fn lock(conn: &impl ConnectionTrait, id: ReviewId) -> Result<Option<Review>, Error> {
    let found = Entity::find_by_id(id.0).lock_exclusive().one(conn).await?;
    found.map(row::review).transpose()
}

/// Lists the reviews of a booking, the first written first.
pub async fn list_of_booking(conn: &impl ConnectionTrait, booking: BookingId) -> Result<Vec<Review>, Error> {
    read_all(of_booking(booking), conn).await
}

/// Lists and locks the reviews of a booking, the first written first.
pub async fn lock_of_booking(conn: &impl ConnectionTrait, booking: BookingId) -> Result<Vec<Review>, Error> {
    read_all(of_booking(booking).lock_exclusive(), conn).await
}

fn of_booking(booking: BookingId) -> Select<Entity> {
    Entity::find()
        .filter(Column::BookingId.eq(booking.0))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
}

/// Lists up to `limit` reviews after a key, last written first.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: ReviewFilter,
    now: DateTime<Utc>,
    after: Option<ReviewKey>,
    limit: u64,
) -> Result<Vec<Review>, Error> {
    let visible = Condition::all()
        .add(Column::VisibleAt.lte(now))
        .add(Column::HiddenAt.is_null());
    let condition = match filter {
        ReviewFilter::OfVehicle(vehicle) => visible
            .add(Column::VehicleId.eq(vehicle.0))
            .add(Column::Author.eq(Party::Guest.as_str())),
        ReviewFilter::Received(user) => visible.add(Column::RevieweeId.eq(user.0)),
        ReviewFilter::Written(user) => visible.add(Column::ReviewerId.eq(user.0)),
        ReviewFilter::WrittenByCaller(user) => Condition::all().add(Column::ReviewerId.eq(user.0)),
    };
    let mut query = Entity::find().filter(condition);
    if let Some(ReviewKey { time, id }) = after {
        let key = Expr::tuple([Expr::col(Column::CreatedAt), Expr::col(Column::Id)]);
        query = query.filter(key.lt(Expr::tuple([Expr::value(time), Expr::value(id.0)])));
    }
    let page = query
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit);
    read_all(page, conn).await
}

/// Lists up to `limit` reported reviews after a key, first reported first: those without a decision since their report, or all.
pub async fn list_reported(
    conn: &impl ConnectionTrait,
    include_decided: bool,
    after: Option<ReviewKey>,
    limit: u64,
) -> Result<Vec<Review>, Error> {
    let mut query = Entity::find().filter(Column::ReportedAt.is_not_null());
    if !include_decided {
        let is_newer = Expr::col(Column::ModeratedAt).lt(Expr::col(Column::ReportedAt));
        query = query.filter(Condition::any().add(Column::ModeratedAt.is_null()).add(is_newer));
    }
    if let Some(ReviewKey { time, id }) = after {
        let key = Expr::tuple([Expr::col(Column::ReportedAt), Expr::col(Column::Id)]);
        query = query.filter(key.gt(Expr::tuple([Expr::value(time), Expr::value(id.0)])));
    }
    let page = query
        .order_by_asc(Column::ReportedAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    read_all(page, conn).await
}

/// Lists and locks up to `limit` visible reviews that are not posted, in the order in which they became visible. Those that another
/// transaction has locked are waited for.
pub async fn lock_due(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Review>, Error> {
    let due = Entity::find()
        .filter(Column::PostedAt.is_null())
        .filter(Column::HiddenAt.is_null())
        .filter(Column::VisibleAt.lte(now))
        .order_by_asc(Column::VisibleAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_exclusive();
    read_all(due, conn).await
}

async fn read_all(query: Select<Entity>, conn: &impl ConnectionTrait) -> Result<Vec<Review>, Error> {
    let rows = query.all(conn).await?;
    rows.into_iter().map(row::review).collect()
}

/// Updates a review that the transaction has locked.
pub async fn update(conn: &impl ConnectionTrait, review: &Review) -> Result<(), Error> {
    let row = row::model(review).into_active_model().reset_all();
    Entity::update(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Records that reviews which the transaction has locked were posted.
pub async fn update_posted(tx: &Tx, ids: impl IntoIterator<Item = ReviewId>) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::PostedAt, Expr::value(tx.now()))
        .filter(Column::Id.is_in(ids.into_iter().map(|id| id.0)))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Erases all texts of the reviews of these bookings: comments, answers and details of reports. The ratings stay.
pub async fn erase_texts(
    conn: &impl ConnectionTrait,
    bookings: impl IntoIterator<Item = BookingId>,
) -> Result<(), Error> {
    let bookings: Vec<Uuid> = bookings.into_iter().map(|booking| booking.0).collect();
    let erase = raw_sql!(
        Postgres,
        r#"UPDATE reviews SET comment = NULL, reply = NULL, report_details = NULL
           WHERE booking_id = ANY({bookings}::uuid[])"#
    );
    conn.execute_raw(erase).await?;
    Ok(())
}
