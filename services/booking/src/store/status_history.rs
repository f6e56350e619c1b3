//! Table `status_history`.

use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QuerySelect as _};

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
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Inserts the change that led to the booking's current version.
pub async fn insert(
    conn: &impl ConnectionTrait,
    booking: &Booking,
    change: &Change,
    actor: Actor,
) -> Result<(), Error> {
    let row = Model {
        booking_id: booking.id.0,
        version: booking.version,
        from_status: Some(change.from.as_str().to_owned()),
        to_status: booking.status.as_str().to_owned(),
        payment_status: booking.payment_status.as_str().to_owned(),
        actor: actor.as_str().to_owned(),
        actor_id: actor.user().map(|user| user.0),
        changed_at: booking.updated_at,
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
