//! Handles `vehicle.hold_lost`: the car of a booking, or of a change of one, was taken by another booking, or withdrawn.

use carshare_proto::vehicle::v1::VehicleHoldLost;
use carshare_store::{EventMetadata, Tx};

use super::{apply_to, lock_with_change, log_without_effect};
use crate::apply_booking_change;
use crate::domain::{Actor, Booking, BookingId, ChangeId, ExternalEvent};
use crate::error::Error;
use crate::store::{booking_changes, bookings};

/// Cancels the booking with a full refund, or only the change.
pub async fn hold_lost(tx: &Tx, _: &EventMetadata, event: &VehicleHoldLost) -> Result<(), Error> {
    let id = BookingId::parse("booking_id", &event.booking_id)?;
    let lost = |booking: &mut Booking, now| booking.apply(ExternalEvent::HoldLost, now);
    match bookings::lock(tx.conn(), id).await? {
        Some(booking) => apply_to(tx, booking, Actor::Vehicle, lost).await,
        None => lose_change(tx, ChangeId(id.0)).await,
    }
}

/// Closes a change that has lost its car. The booking stays as it is.
pub async fn lose_change(tx: &Tx, id: ChangeId) -> Result<(), Error> {
    let Some(found) = booking_changes::find(tx.conn(), id).await? else {
        tracing::warn!(change_id = %id, "event of an unknown booking or change");
        return Ok(());
    };
    let Some((mut booking, mut change)) = lock_with_change(tx, found.booking_id, id).await? else {
        return Ok(());
    };
    if !apply_booking_change::cancel(tx, &mut booking, &mut change, Actor::Vehicle).await? {
        log_without_effect(&change);
    }
    Ok(())
}
