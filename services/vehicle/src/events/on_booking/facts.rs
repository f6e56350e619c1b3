//! What the calendar needs to know of a booking's event. An event that does not say it is a defect of its sender.

use anyhow::Context as _;
use carshare_chassis::proto_types::to_datetime;
use carshare_proto::booking::v1::BookingFacts;
use uuid::Uuid;

use crate::domain::{BookingId, Period, VehicleId};
use crate::error::Result;

/// The booking, its car and its time.
pub(super) fn read(facts: Option<&BookingFacts>) -> Result<(BookingId, VehicleId, Period)> {
    let facts = facts.context("the event has no facts")?;
    let start = to_datetime(facts.start_datetime).context("start_datetime")?;
    let end = to_datetime(facts.end_datetime).context("end_datetime")?;
    let vehicle = Uuid::parse_str(&facts.vehicle_id).context("vehicle_id")?;
    let period = Period::new(start, end).context("the period of the booking")?;
    Ok((booking_id(&facts.booking_id)?, VehicleId(vehicle), period))
}

/// The booking of an event.
pub(super) fn booking_id(text: &str) -> Result<BookingId> {
    Ok(BookingId(Uuid::parse_str(text).context("booking_id")?))
}
