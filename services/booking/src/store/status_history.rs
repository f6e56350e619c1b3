//! Table `status_history`.

use carshare_chassis::request_context::RequestContext;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use crate::domain::{Actor, Booking, BookingId, Change, Status};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "status_history")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub booking_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub from_status: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub to_status: String,
    #[sea_orm(column_type = "Text")]
    pub payment_status: String,
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    pub actor_id: Option<Uuid>,
    pub changed_at: DateTimeUtc,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// Of the request or event that led to the change.
    #[sea_orm(column_type = "Text", nullable)]
    pub correlation_id: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub traceparent: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The request or event that a change is made for.
pub struct Origin {
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
}

impl Origin {
    /// Returns the request or event of the current task; a timer has none.
    pub fn current() -> Self {
        let context = RequestContext::current();
        Self {
            correlation_id: context
                .as_ref()
                .map(|context| context.correlation_id().to_owned()),
            traceparent: context.and_then(|context| context.traceparent()),
        }
    }
}

/// Lists the changes of a booking, oldest first.
pub async fn list(conn: &impl ConnectionTrait, booking: BookingId) -> Result<Vec<Model>, Error> {
    let changes = Entity::find()
        .filter(Column::BookingId.eq(booking.0))
        .order_by_asc(Column::Version);
    Ok(changes.all(conn).await?)
}

/// Inserts the change that led to the booking's current version.
pub async fn insert(
    conn: &impl ConnectionTrait,
    booking: &Booking,
    change: &Change,
    actor: Actor,
) -> Result<(), Error> {
    let origin = Origin::current();
    let row = Model {
        booking_id: booking.id.0,
        version: booking.version,
        from_status: Some(change.from.as_str().to_owned()),
        to_status: booking.status.as_str().to_owned(),
        payment_status: booking.payment_status.as_str().to_owned(),
        actor: actor.as_str().to_owned(),
        actor_id: actor.user().map(|user| user.0),
        changed_at: booking.updated_at,
        reason: change.reason.map(str::to_owned),
        correlation_id: origin.correlation_id,
        traceparent: origin.traceparent,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Returns when a booking became completed; `None` if it did not.
pub async fn completed_at(
    conn: &impl ConnectionTrait,
    booking: BookingId,
) -> Result<Option<DateTimeUtc>, Error> {
    let completed: Option<Option<DateTimeUtc>> = Entity::find()
        .select_only()
        .column_as(Column::ChangedAt.min(), "completed_at")
        .filter(Column::BookingId.eq(booking.0))
        .filter(Column::ToStatus.eq(Status::Completed.as_str()))
        .into_tuple()
        .one(conn)
        .await?;
    Ok(completed.flatten())
}
