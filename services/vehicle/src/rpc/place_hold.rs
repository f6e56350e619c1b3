//! `PlaceHold`: holds a car for a future booking.
//!
//! Idempotent by booking id, also for concurrent calls. The exclusion constraint alone decides whether the car is free.
//!
//! Normally two statements: what the hold is decided on, then its insertion if nothing of that has changed. Everything else,
//! such as an expired hold that is in the way, is left to a transaction that locks the car.

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
use crate::config::Calendar;
use crate::domain::{BookingId, Period, Status, UserId, Vehicle, VehicleId};
use crate::error::{Error, Result};
use crate::store::occupancies::{self, HoldState, Occupancy};
use crate::store::vehicles;
use crate::store::views::View;

struct Hold {
    booking: BookingId,
    vehicle: VehicleId,
    guest: UserId,
    period: Period,
    ttl: Duration,
    calendar: Calendar,
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
        calendar: app.config.calendar.clone(),
    };
    let (view, taken) = match place(app, &hold).await? {
        Some(held) => held,
        None => app.db.transaction("occupancies.hold", hold, place_locked).await?,
    };
    Ok(pb::PlaceHoldResponse {
        vehicle: Some(convert::untagged_vehicle(view, &app.urls)),
        expires_at: taken.expires_at.map(timestamp),
    })
}

/// Holds the car without a lock. `None` if the car has changed meanwhile or an occupancy is in the way.
async fn place(app: &App, hold: &Hold) -> Result<Option<(View, Occupancy)>> {
    let (conn, now) = (app.db.conn(), app.environment.clock.now());
    let state = occupancies::find_state(conn, hold.booking, hold.vehicle).await?;
    let state = state.ok_or(Error::VehicleNotFound)?;
    if let Some(taken) = existing(hold, &state, now)? {
        return Ok(Some((state.view, taken)));
    }
    let new = occupancy(hold, now);
    let placed = occupancies::place(conn, &new, state.revision, now).await?;
    Ok(placed.then_some((state.view, new)))
}

async fn place_locked(tx: &Tx, hold: &Hold) -> Result<(View, Occupancy)> {
    vehicles::lock(tx.conn(), hold.vehicle).await?;
    let state = occupancies::find_state(tx.conn(), hold.booking, hold.vehicle).await?;
    let state = state.ok_or(Error::VehicleNotFound)?;
    if let Some(taken) = existing(hold, &state, tx.now())? {
        return Ok((state.view, taken));
    }
    let new = occupancy(hold, tx.now());
    occupancies::delete_expired(tx.conn(), &new, tx.now()).await?;
    if occupancies::insert(tx.conn(), &new, tx.now()).await? {
        Ok((state.view, new))
    } else {
        Err(Error::VehicleUnavailable)
    }
}

/// Returns the live occupancy of the booking, or `None` if the car is to be held now. Refuses another car or period, a
/// booking that has released its car, and a car that the guest cannot have in this period.
fn existing(hold: &Hold, state: &HoldState, now: DateTime<Utc>) -> Result<Option<Occupancy>> {
    if state.is_released {
        return Err(ChassisError::new(Common::Conflict).into());
    }
    if let Some(found) = state.occupancy.filter(|found| found.is_live(now)) {
        return if (found.vehicle, found.period) == (hold.vehicle, hold.period) {
            Ok(Some(found))
        } else {
            Err(ChassisError::new(Common::Conflict).into())
        };
    }
    hold.calendar.check(hold.period, now)?;
    check_offer(&state.view.vehicle, hold.guest)?;
    if !state.opening_hours.covers(hold.period) {
        return Err(Error::VehicleClosed);
    }
    Ok(None)
}

/// Refuses a car that is not offered, at all or to this guest.
pub(super) fn check_offer(vehicle: &Vehicle, guest: UserId) -> Result<()> {
    if vehicle.status != Status::Active {
        return Err(Error::VehicleNotFound);
    }
    if vehicle.owner_id == guest {
        return Err(Error::OwnVehicle);
    }
    Ok(())
}

fn occupancy(hold: &Hold, now: DateTime<Utc>) -> Occupancy {
    Occupancy {
        booking: hold.booking,
        vehicle: hold.vehicle,
        period: hold.period,
        expires_at: Some(now + hold.ttl),
    }
}
