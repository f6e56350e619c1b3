//! Handles the events of changes of bookings. A change holds and releases a car under its own id, as a booking does.

use anyhow::Context as _;
use carshare_chassis::proto_types::to_datetime;
use carshare_proto::booking::v1 as pb;
use carshare_store::{EventMetadata, Tx};

use super::on_booking::{confirm, read_facts};
use super::publish;
use crate::domain::{BookingId, Period, VehicleId};
use crate::error::Result;
use crate::store::{occupancies, released_bookings};

/// Confirms the hold of a change that is being paid for: of the added time, or of the other car. `vehicle.hold_lost` names the change if
/// its car is lost.
pub async fn accepted(tx: &Tx, _: &EventMetadata, event: &pb::BookingChangeAccepted) -> Result<()> {
    let (_, _, booked) = read_facts(event.booking.as_ref())?;
    let (change, id, vehicle) = read_change(event.change.as_ref())?;
    match needed_period(change, booked)? {
        Some(period) => confirm(tx, id, vehicle, period).await,
        None => Ok(()),
    }
}

/// Gives the booking its new car and period, and releases what the change has held. If that is impossible, the booking has lost its car.
pub async fn applied(tx: &Tx, _: &EventMetadata, event: &pb::BookingChangeApplied) -> Result<()> {
    let (booking, vehicle, period) = read_facts(event.booking.as_ref())?;
    let (_, change, _) = read_change(event.change.as_ref())?;
    if !occupancies::move_to(tx.conn(), booking, change, vehicle, period, tx.now()).await? {
        tx.publish(&publish::hold_lost(vehicle, booking));
    }
    Ok(())
}

/// Releases what the change has held.
pub async fn closed(tx: &Tx, _: &EventMetadata, event: &pb::BookingChangeClosed) -> Result<()> {
    let (_, id, vehicle) = read_change(event.change.as_ref())?;
    released_bookings::insert(tx.conn(), id, vehicle, None, tx.now()).await
}

/// Returns a change, its id as that of its hold, and the car with it.
fn read_change(facts: Option<&pb::BookingChangeFacts>) -> Result<(&pb::BookingChange, BookingId, VehicleId)> {
    let change = facts.and_then(|facts| facts.change.as_ref());
    let change = change.context("the event has no change")?;
    Ok((
        change,
        BookingId::parse("change_id", &change.id)?,
        VehicleId::parse("vehicle_id", &change.vehicle_id)?,
    ))
}

/// Returns the time for which a change needs its car beyond what the booking has.
fn needed_period(change: &pb::BookingChange, booked: Period) -> Result<Option<Period>> {
    match change.kind() {
        pb::BookingChangeKind::Extension => {
            let start = to_datetime(change.previous_end_datetime).context("previous_end_datetime")?;
            let end = to_datetime(change.end_datetime).context("end_datetime")?;
            Ok(Some(Period::new(start, end).context("the added period")?))
        }
        pb::BookingChangeKind::VehicleSwap => Ok(Some(booked)),
        pb::BookingChangeKind::Shortening | pb::BookingChangeKind::Unspecified => Ok(None),
    }
}
