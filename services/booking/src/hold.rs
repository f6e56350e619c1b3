//! Holds of cars at the vehicle service, which decides whether a car is free.

use anyhow::Context as _;
use carshare_chassis::proto_types::timestamp;
use carshare_chassis::task;
use carshare_proto::vehicle::v1::{
    CheckHoldRequest, CheckHoldResponse, ConfirmHoldRequest, PlaceHoldRequest, ReleaseHoldRequest, Vehicle,
};
use carshare_store::Tx;

use crate::domain::{Actor, Booking, BookingId, ExternalEvent, Period, UserId, VehicleId};
use crate::error::Error;
use crate::{App, events};

/// A car to hold for a guest.
#[derive(Clone, Copy, Debug)]
pub struct HoldRequest {
    pub vehicle: VehicleId,
    pub guest: UserId,
    pub period: Period,
}

/// Holds the car under the id of the future booking and returns the car. Idempotent by id, so it can be repeated after any
/// failure.
pub async fn place(app: &App, id: BookingId, hold: &HoldRequest) -> Result<Vehicle, Error> {
    let request = PlaceHoldRequest {
        booking_id: id.to_string(),
        vehicle_id: hold.vehicle.to_string(),
        guest_id: hold.guest.to_string(),
        start_datetime: Some(timestamp(hold.period.start())),
        end_datetime: Some(timestamp(hold.period.end())),
    };
    let reply = app.vehicle.clone().place_hold(request).await;
    let held = reply.map_err(Error::from_vehicle)?.into_inner().vehicle;
    held.context("PlaceHold returned no vehicle")
        .map_err(Error::internal)
}

/// Returns the car, and whether it could be held now.
pub async fn check(app: &App, hold: &HoldRequest) -> Result<CheckHoldResponse, Error> {
    let request = CheckHoldRequest {
        vehicle_id: hold.vehicle.to_string(),
        guest_id: hold.guest.to_string(),
        start_datetime: Some(timestamp(hold.period.start())),
        end_datetime: Some(timestamp(hold.period.end())),
    };
    let reply = app.vehicle.clone().check_hold(request).await;
    Ok(reply.map_err(Error::from_vehicle)?.into_inner())
}

/// Confirms that the booking has its car, before it is approved or started. A booking that has lost it is cancelled with a full
/// refund, and the error returned.
pub async fn confirm(app: &App, booking: &Booking) -> Result<(), Error> {
    let request = ConfirmHoldRequest {
        booking_id: booking.id.to_string(),
        vehicle_id: booking.vehicle_id.to_string(),
        start_datetime: Some(timestamp(booking.period.start())),
        end_datetime: Some(timestamp(booking.period.end())),
    };
    let reply = app.vehicle.clone().confirm_hold(request).await;
    let Err(error) = reply.map_err(Error::from_vehicle) else {
        return Ok(());
    };
    if error.is_hold_lost() {
        app.db
            .transaction("bookings.lose_car", booking.id, lose_car)
            .await?;
    }
    Err(error)
}

async fn lose_car(tx: &Tx, &id: &BookingId) -> Result<(), Error> {
    events::apply(tx, id, Actor::Vehicle, |booking, now| {
        booking.apply(ExternalEvent::HoldLost, now)
    })
    .await
}

/// Returns whether the car may be held although [`place`] returned this error: the reply of a hold may have been lost.
pub fn may_exist(error: &Error) -> bool {
    use tonic::Code::{DeadlineExceeded, Internal, Unavailable};
    match error {
        Error::Chassis(error) => matches!(error.code(), Unavailable | DeadlineExceeded | Internal),
        _ => false,
    }
}

/// Releases the hold in the background: the reply to the caller does not wait, and a hold that stays expires by itself.
pub fn release(app: &App, id: BookingId) {
    let mut vehicle = app.vehicle.clone();
    let booking_id = id.to_string();
    task::spawn("hold.release", async move {
        let released = vehicle.release_hold(ReleaseHoldRequest { booking_id }).await;
        if let Err(status) = released {
            tracing::warn!(booking_id = %id, code = ?status.code(), "a hold was not released and will expire");
        }
    });
}
