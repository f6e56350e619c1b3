//! Table `status_history`.

use sea_orm::{ConnectionTrait, EntityTrait as _, IntoActiveModel as _};

use super::entity::status_change::{Entity, Model};
use crate::domain::{Booking, Change};
use crate::error::Error;
use crate::apply_change::Actor;

/// Writes the change that made the booking what it is.
pub async fn insert(
    conn: &impl ConnectionTrait,
    booking: &Booking,
    change: &Change,
    actor: Actor,
) -> Result<(), Error> {
    let row = Model {
        booking_id: booking.id.0,
        version: booking.version,
        from_status: change.from.map(|status| status.as_str().to_owned()),
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
