//! Handles events of vehicle: a hold expired before its booking arrived and the car was taken by another booking.

use carshare_proto::vehicle::v1::VehicleHoldLost;
use carshare_store::{EventMetadata, Tx};

use super::apply;
use crate::apply_change::Actor;
use crate::domain::ExternalEvent;
use crate::error::Error;

/// The booking cannot stand: it is called off, with everything back.
pub async fn hold_lost(tx: &Tx, _: &EventMetadata, event: &VehicleHoldLost) -> Result<(), Error> {
    apply(tx, &event.booking_id, ExternalEvent::HoldLost, Actor::Vehicle).await
}
