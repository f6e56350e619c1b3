//! Handles `vehicle.hold_lost`: the car of a booking was taken by another one, or withdrawn.

use carshare_proto::vehicle::v1::VehicleHoldLost;
use carshare_store::{EventMetadata, Tx};

use super::apply;
use crate::apply_change::Actor;
use crate::domain::ExternalEvent;
use crate::error::Error;

/// Cancels the booking with a full refund.
pub async fn hold_lost(tx: &Tx, _: &EventMetadata, event: &VehicleHoldLost) -> Result<(), Error> {
    apply(tx, &event.booking_id, ExternalEvent::HoldLost, Actor::Vehicle).await
}
