//! Handles booking's events: keeps the calendar.
//!
//! Every release is remembered: a request that arrives after it, late or twice, takes no car any more.

use carshare_proto::booking::v1 as pb;
use carshare_store::{EventMetadata, Tx};
use chrono::{DateTime, Utc};

use super::publish;
use crate::domain::{BookingId, Period, VehicleId};
use crate::error::Result;
use crate::store::occupancies::{self, Occupancy};
use crate::store::{released_bookings, vehicles};

mod facts;

/// `booking.requested`: the hold becomes a booking. A hold that ended is taken again if the car is still free; if not,
/// the booking is told.
pub async fn requested(tx: &Tx, _: &EventMetadata, event: &pb::BookingRequested) -> Result<()> {
    let (booking, vehicle, period) = facts::read(event.booking.as_ref())?;
    occupancies::lock_booking(tx.conn(), booking).await?;
    if released_bookings::exists(tx.conn(), booking).await? {
        return Ok(());
    }
    // The lock of the car is what a withdrawal takes too: it sees the hold alive, or this does not.
    let is_on_the_platform = vehicles::lock(tx.conn(), vehicle).await?.is_some();
    if occupancies::confirm(tx.conn(), booking, tx.now()).await?
        || is_on_the_platform && take(tx, booking, vehicle, period).await?
    {
        return Ok(());
    }
    tx.publish(&publish::hold_lost(vehicle, booking)).await?;
    Ok(())
}

/// Takes the car without a hold.
async fn take(tx: &Tx, booking: BookingId, vehicle: VehicleId, period: Period) -> Result<bool> {
    let taken = Occupancy {
        booking,
        vehicle,
        period,
        expires_at: None,
    };
    occupancies::delete_expired(tx.conn(), &taken, tx.now()).await?;
    occupancies::insert(tx.conn(), &taken, tx.now()).await
}

/// `booking.rejected`: releases the car.
pub async fn rejected(tx: &Tx, _: &EventMetadata, event: &pb::BookingRejected) -> Result<()> {
    release(tx, &event.booking_id).await
}

/// `booking.expired`: releases the car.
pub async fn expired(tx: &Tx, _: &EventMetadata, event: &pb::BookingExpired) -> Result<()> {
    release(tx, &event.booking_id).await
}

/// `booking.cancelled`: releases the car.
pub async fn cancelled(tx: &Tx, _: &EventMetadata, event: &pb::BookingCancelled) -> Result<()> {
    release(tx, &event.booking_id).await
}

async fn release(tx: &Tx, booking_id: &str) -> Result<()> {
    let booking = facts::booking_id(booking_id)?;
    occupancies::lock_booking(tx.conn(), booking).await?;
    released_bookings::insert(tx.conn(), booking, tx.now()).await?;
    occupancies::delete(tx.conn(), booking).await
}

/// `booking.completed`: the car is back, perhaps before its time; what was left of it is free again.
pub async fn completed(tx: &Tx, meta: &EventMetadata, event: &pb::BookingCompleted) -> Result<()> {
    let booking = facts::booking_id(&event.booking_id)?;
    occupancies::lock_booking(tx.conn(), booking).await?;
    released_bookings::insert(tx.conn(), booking, tx.now()).await?;
    let back_at: DateTime<Utc> = meta.occurred_at;
    occupancies::end_at(tx.conn(), booking, back_at).await
}
