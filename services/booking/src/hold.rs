//! Holds of cars at the vehicle service, which decides whether a car is free.

use anyhow::Context as _;
use carshare_chassis::proto_types::timestamp;
use carshare_chassis::task;
use carshare_proto::vehicle::v1::{PlaceHoldRequest, ReleaseHoldRequest, Vehicle};

use crate::App;
use crate::domain::{BookingId, Period, UserId, VehicleId};
use crate::error::Error;

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
