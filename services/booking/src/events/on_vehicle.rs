//! Handles `vehicle.hold_lost`: the car of a booking was taken by another one, or withdrawn.

use carshare_proto::vehicle::v1::VehicleHoldLost;
use carshare_store::{EventMetadata, Tx};

use super::apply;
use crate::domain::{Actor, Booking, BookingId, ExternalEvent};
use crate::error::Error;

/// Cancels the booking with a full refund.
pub async fn hold_lost(tx: &Tx, _: &EventMetadata, event: &VehicleHoldLost) -> Result<(), Error> {
    let id = BookingId::parse("booking_id", &event.booking_id)?;
    let lost = |booking: &mut Booking, now| booking.apply(ExternalEvent::HoldLost, now);
    apply(tx, id, Actor::Vehicle, lost).await
}
