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

/// Takes the car for a booking without a live hold, if the car is offered and free. The hold may be expired or gone.
pub async fn take(tx: &Tx, booking: BookingId, vehicle: VehicleId, period: Period) -> Result<Confirmation> {
    // Releases and withdrawals take this lock too, so the statements after it see them.
    let is_offered = vehicles::lock(tx.conn(), vehicle).await?.is_some();
    if released_bookings::exists(tx.conn(), booking).await? {
        return Ok(Confirmation::Released);
    }
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
