//! Holding a car at the vehicle service, which alone knows whether it is free.

use carshare_chassis::proto_types::timestamp;
use carshare_chassis::task;
use carshare_proto::vehicle::v1::{PlaceHoldRequest, ReleaseHoldRequest, Vehicle};

use crate::App;
use crate::domain::{BookingId, Period, UserId, VehicleId};
use crate::error::Error;

/// What a guest wants to hold.
#[derive(Clone, Copy, Debug)]
pub struct CancelInput {
    pub vehicle: VehicleId,
    pub guest: UserId,
    pub period: Period,
}

/// Holds the car under the id of the booking to come and answers with the car as it is now. The same id gives the same
/// hold again, so trying again after any failure is safe.
pub async fn place(app: &App, id: BookingId, input: &CancelInput) -> Result<Vehicle, Error> {
    let request = PlaceHoldRequest {
        booking_id: id.to_string(),
        vehicle_id: input.vehicle.to_string(),
        guest_id: input.guest.to_string(),
        start_datetime: Some(timestamp(input.period.start())),
        end_datetime: Some(timestamp(input.period.end())),
    };
    let held = app
        .vehicle
        .clone()
        .place_hold(request)
        .await
        .map_err(Error::from_vehicle)?
        .into_inner();
    held.vehicle
        .ok_or_else(|| Error::internal(anyhow::anyhow!("vehicle held a car without telling which")))
}

/// Whether the car may be held although [`place`] failed so: unless the vehicle service said no, its answer may be lost.
pub fn hold_may_exist(error: &Error) -> bool {
    use tonic::Code::{DeadlineExceeded, Internal, Unavailable};
    match error {
        Error::Chassis(error) => matches!(error.code(), Unavailable | DeadlineExceeded | Internal),
        _ => false,
    }
}

/// Gives the car back, in the background: the caller's answer does not wait for it, and a failure only means that the hold
/// ends a little later by itself.
pub fn release(app: &App, id: BookingId) {
    let mut vehicle = app.vehicle.clone();
    task::spawn("hold.release", async move {
        if let Err(status) = vehicle
            .release_hold(ReleaseHoldRequest {
                booking_id: id.to_string(),
            })
            .await
        {
            tracing::warn!(booking_id = %id, code = ?status.code(), "a hold is left to its end");
        }
    });
}
