//! Handles the events of booking that change the calendar.
//!
//! Every release is recorded, so that a request that arrives after it takes no car.

use anyhow::Context as _;
use carshare_chassis::proto_types::to_datetime;
use carshare_proto::booking::v1 as pb;
use carshare_store::{EventMetadata, Tx};
use chrono::{DateTime, Utc};

use super::publish;
use crate::confirm::{self, Confirmation};
use crate::domain::{BookingId, Period, VehicleId};
use crate::error::Result;
use crate::store::{occupancies, released_bookings};

/// Confirms the hold of the booking. If the car is lost, `vehicle.hold_lost` is published. While only a hold of another
/// booking is in the way, nothing is decided: `ConfirmHold` follows before an approval.
pub async fn requested(tx: &Tx, _: &EventMetadata, event: &pb::BookingRequested) -> Result<()> {
    let (booking, vehicle, period) = read_facts(event.booking.as_ref())?;
    confirm(tx, booking, vehicle, period).await
}

/// Confirms the hold of a booking, or of a change of one. The hold may be expired or gone.
pub(super) async fn confirm(tx: &Tx, booking: BookingId, vehicle: VehicleId, period: Period) -> Result<()> {
    if occupancies::confirm(tx.conn(), booking, false, tx.now()).await? {
        return Ok(());
    }
    match confirm::take(tx, booking, vehicle, period).await? {
        Confirmation::Confirmed | Confirmation::Released => {}
        Confirmation::HeldByAnother => tracing::info!(booking_id = %booking, "another hold is in the way"),
        Confirmation::Lost => tx.publish(&publish::hold_lost(vehicle, booking)),
    }
    Ok(())
}

pub async fn rejected(tx: &Tx, _: &EventMetadata, event: &pb::BookingRejected) -> Result<()> {
    release(tx, event.booking.as_ref(), None).await
}

pub async fn expired(tx: &Tx, _: &EventMetadata, event: &pb::BookingExpired) -> Result<()> {
    release(tx, event.booking.as_ref(), None).await
}

pub async fn cancelled(tx: &Tx, _: &EventMetadata, event: &pb::BookingCancelled) -> Result<()> {
    release(tx, event.booking.as_ref(), None).await
}

/// Releases the rest of the period, which may be over.
pub async fn completed(tx: &Tx, metadata: &EventMetadata, event: &pb::BookingCompleted) -> Result<()> {
    release(tx, event.booking.as_ref(), Some(metadata.occurred_at)).await
}

async fn release(tx: &Tx, facts: Option<&pb::BookingFacts>, ended: Option<DateTime<Utc>>) -> Result<()> {
    let (booking, vehicle, _) = read_facts(facts)?;
    released_bookings::insert(tx.conn(), booking, vehicle, ended, tx.now()).await
}

pub(super) fn read_facts(facts: Option<&pb::BookingFacts>) -> Result<(BookingId, VehicleId, Period)> {
    let facts = facts.context("the event has no facts")?;
    let start = to_datetime(facts.start_datetime).context("start_datetime")?;
    let end = to_datetime(facts.end_datetime).context("end_datetime")?;
    Ok((
        BookingId::parse("booking_id", &facts.booking_id)?,
        VehicleId::parse("vehicle_id", &facts.vehicle_id)?,
        Period::new(start, end).context("the period of the booking")?,
    ))
}
