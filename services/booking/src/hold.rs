//! Holds of cars at the vehicle service, which decides whether a car is free.

use anyhow::Context as _;
use carshare_chassis::Error as ChassisError;
use carshare_chassis::proto_types::timestamp;
use carshare_chassis::task;
use carshare_proto::vehicle::v1::{
    CheckHoldRequest, CheckHoldResponse, ConfirmHoldRequest, ErrorReason as VehicleReason, PlaceHoldRequest,
    ReleaseHoldRequest, Vehicle,
};
use carshare_store::Tx;

use crate::domain::{Actor, Booking, BookingId, ChangeId, ExternalEvent, Period, UserId, VehicleId};
use crate::error::Error;
use crate::events::on_vehicle;
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
    let confirmed = confirm_as(app, booking.id, booking.vehicle_id, &booking.period).await;
    let Err(error) = confirmed else {
        return Ok(());
    };
    if error.is_hold_lost() {
        app.db
            .transaction("bookings.lose_car", booking.id, lose_car)
            .await?;
    }
    Err(error)
}

/// Confirms the hold of an accepted change in the background. If that fails, vehicle does it on `booking.change_accepted`. A change that has
/// lost its car is closed; one that has applied has released its hold, because the booking has the car.
pub fn confirm_change(app: &App, id: ChangeId, hold: HoldRequest) {
    let app = app.clone();
    task::spawn("hold.confirm_change", async move {
        let confirmed = confirm_as(&app, BookingId(id.0), hold.vehicle, &hold.period).await;
        let result = match confirmed {
            Err(error) if error.is_hold_lost() => {
                app.db
                    .transaction("booking_changes.lose_car", id, lose_car_of_change)
                    .await
            }
            confirmed => confirmed,
        };
        if let Err(error) = result {
            tracing::warn!(change_id = %id, %error, "the hold of a change is not confirmed yet");
        }
    });
}

async fn lose_car_of_change(tx: &Tx, &id: &ChangeId) -> Result<(), Error> {
    on_vehicle::lose_change(tx, id).await
}

async fn confirm_as(app: &App, id: BookingId, vehicle: VehicleId, period: &Period) -> Result<(), Error> {
    let request = ConfirmHoldRequest {
        booking_id: id.to_string(),
        vehicle_id: vehicle.to_string(),
        start_datetime: Some(timestamp(period.start())),
        end_datetime: Some(timestamp(period.end())),
    };
    let reply = app.vehicle.clone().confirm_hold(request).await;
    reply.map(|_| ()).map_err(Error::from_vehicle)
}

async fn lose_car(tx: &Tx, &id: &BookingId) -> Result<(), Error> {
    events::apply(tx, id, Actor::Vehicle, |booking, now| {
        booking.apply(ExternalEvent::HoldLost, now)
    })
    .await
}

/// Returns the car if it could be held now. Refuses one that is taken or closed, or that belongs to another host.
pub async fn check_free(app: &App, hold: &HoldRequest, host: UserId) -> Result<Vehicle, Error> {
    let checked = check(app, hold).await.map_err(hide_own_vehicle)?;
    let vehicle = checked.vehicle.unwrap_or_default();
    check_host(&vehicle, host)?;
    if checked.is_closed {
        return Err(ChassisError::new(VehicleReason::VehicleClosed).into());
    }
    if checked.is_taken {
        return Err(Error::SlotTaken);
    }
    Ok(vehicle)
}

/// Refuses a car of another host as unknown.
pub fn check_host(vehicle: &Vehicle, host: UserId) -> Result<(), Error> {
    if vehicle.owner_id == host.to_string() {
        Ok(())
    } else {
        Err(ChassisError::new(VehicleReason::VehicleNotFound).into())
    }
}

/// A car of the guest is one of another host.
fn hide_own_vehicle(error: Error) -> Error {
    match error {
        Error::Chassis(error) if error.is(VehicleReason::OwnVehicle) => {
            ChassisError::new(VehicleReason::VehicleNotFound).into()
        }
        error => error,
    }
}

/// Returns whether a repeat of a transaction that failed with this error would fail in the same way.
pub fn is_definite(error: &Error) -> bool {
    use carshare_store::Error as Store;
    match error {
        Error::Store(error) => match error {
            Store::Conflict { .. } | Store::Internal(_) | Store::KeyReused => true,
            Store::Unavailable(_) | Store::Contention | Store::Stale => false,
        },
        _ => true,
    }
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
