//! Confirmation of a booking's hold, by `ConfirmHold` or `booking.requested`, whichever comes first.

use carshare_store::Tx;

use crate::domain::{BookingId, Period, VehicleId};
use crate::error::Result;
use crate::store::occupancies::{self, Occupancy};
use crate::store::{released_bookings, vehicles};

/// Whether a booking has its car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    Confirmed,
    /// The booking released the car.
    Released,
    /// A hold of another booking is in the way; it may expire.
    HeldByAnother,
    /// Another booking has the car, or it was withdrawn.
    Lost,
}

/// Turns the hold of a booking into a booking, or takes the car if the hold is gone and the car is free.
pub async fn confirm(
    tx: &Tx,
    booking: BookingId,
    vehicle: VehicleId,
    period: Period,
) -> Result<Confirmation> {
    occupancies::lock_booking(tx.conn(), booking).await?;
    if released_bookings::exists(tx.conn(), booking).await? {
        return Ok(Confirmation::Released);
    }
    // A withdrawal takes this lock too: it sees the hold alive, or this does not.
    let is_offered = vehicles::lock(tx.conn(), vehicle).await?.is_some();
    if occupancies::confirm(tx.conn(), booking, is_offered, tx.now()).await? {
        return Ok(Confirmation::Confirmed);
    }
    if !is_offered {
        return Ok(Confirmation::Lost);
    }
    let taken = Occupancy {
        booking,
        vehicle,
        period,
        expires_at: None,
    };
    occupancies::delete_expired(tx.conn(), &taken, tx.now()).await?;
    if occupancies::insert(tx.conn(), &taken, tx.now()).await? {
        Ok(Confirmation::Confirmed)
    } else if occupancies::is_booked(tx.conn(), vehicle, period).await? {
        Ok(Confirmation::Lost)
    } else {
        Ok(Confirmation::HeldByAnother)
    }
}
