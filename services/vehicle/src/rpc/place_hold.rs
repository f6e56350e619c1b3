//! `PlaceHold`: holds a car for a future booking.
//!
//! Idempotent by booking id, also for concurrent calls. The exclusion constraint alone decides whether the car is free.

use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::proto_types::timestamp;
use carshare_chassis::rpc::CallContext;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1 as pb;
use carshare_store::Tx;
use chrono::{DateTime, Utc};

use super::convert;
use crate::App;
use crate::domain::{BookingId, Period, Status, UserId, Vehicle, VehicleId};
use crate::error::{Error, Result};
use crate::image_urls::ImageUrls;
use crate::store::occupancies::{self, Occupancy};
use crate::store::{availabilities, released_bookings, vehicles, views};

struct Hold {
    booking: BookingId,
    vehicle: VehicleId,
    guest: UserId,
    period: Period,
    ttl: Duration,
    urls: ImageUrls,
}

pub async fn handle(
    app: &App,
    _ctx: CallContext,
    request: pb::PlaceHoldRequest,
) -> Result<pb::PlaceHoldResponse> {
    let hold = Hold {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        vehicle: VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        guest: UserId::parse("guest_id", &request.guest_id)?,
        period: convert::period(request.start_datetime, request.end_datetime)?,
        ttl: app.config.holds.ttl,
        urls: app.urls.clone(),
    };
    app.db.transaction("occupancies.hold", hold, place).await
}

async fn place(tx: &Tx, hold: &Hold) -> Result<pb::PlaceHoldResponse> {
    occupancies::lock_booking(tx.conn(), hold.booking).await?;
    let vehicle = vehicles::lock(tx.conn(), hold.vehicle)
        .await?
        .ok_or(Error::VehicleNotFound)?;
    let taken = match existing(tx, hold).await? {
        Some(taken) => taken,
        None => take(tx, hold, &vehicle).await?,
    };
    let shown = convert::vehicle(views::view(tx.conn(), vehicle).await?, &hold.urls);
    Ok(pb::PlaceHoldResponse {
        vehicle: Some(shown),
        expires_at: taken.expires_at.map(timestamp),
    })
}

/// Finds the live occupancy of the booking. Refuses another car or period, and a booking that has released its car.
async fn existing(tx: &Tx, hold: &Hold) -> Result<Option<Occupancy>> {
    if released_bookings::exists(tx.conn(), hold.booking).await? {
        return Err(ChassisError::new(Common::Conflict).into());
    }
    let found = occupancies::find(tx.conn(), hold.booking)
        .await?
        .filter(|found| found.is_live(tx.now()));
    match found {
        Some(found) if (found.vehicle, found.period) != (hold.vehicle, hold.period) => {
            Err(ChassisError::new(Common::Conflict).into())
        }
        found => Ok(found),
    }
}

async fn take(tx: &Tx, hold: &Hold, vehicle: &Vehicle) -> Result<Occupancy> {
    if vehicle.status != Status::Active {
        return Err(Error::VehicleNotFound);
    }
    if vehicle.owner_id == hold.guest {
        return Err(Error::OwnVehicle);
    }
    if !availabilities::find_opening_hours(tx.conn(), vehicle.id)
        .await?
        .covers(hold.period)
    {
        return Err(Error::VehicleClosed);
    }
    let new = occupancy(hold, tx.now());
    occupancies::delete_expired(tx.conn(), &new, tx.now()).await?;
    if occupancies::insert(tx.conn(), &new, tx.now()).await? {
        Ok(new)
    } else {
        Err(Error::VehicleUnavailable)
    }
}

fn occupancy(hold: &Hold, now: DateTime<Utc>) -> Occupancy {
    Occupancy {
        booking: hold.booking,
        vehicle: hold.vehicle,
        period: hold.period,
        expires_at: Some(now + hold.ttl),
    }
}
