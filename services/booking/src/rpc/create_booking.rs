//! `CreateBooking`: a guest requests a car for a period.
//!
//! The car is held at the vehicle service first, under the id of the future booking and outside any transaction. Then one
//! transaction stores the booking with the current terms and publishes `booking.requested`. A crash in between leaves a hold
//! that expires; a repeat under the same idempotency key has the same id and finds its hold.

use carshare_chassis as chassis;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_store::Tx;
use prost::Message as _;

use super::{authorization, convert, response};
use crate::domain::{Booking, BookingId, NewBooking, Period, Price, UserId, VehicleId};
use crate::error::Error;
use crate::hold::{self, HoldRequest};
use crate::store::bookings;
use crate::{App, apply_change};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CreateBookingRequest,
) -> Result<pb::Booking, Error> {
    let guest = authorization::caller(&ctx)?;
    let hold = hold_request(guest, &request)?;
    if let Some(booking) = app.db.find_reply(&ctx).await? {
        return Ok(booking);
    }
    let id = BookingId(app.db.resource_id(&ctx, hold.period.start()));
    if hold.period.start() <= app.environment.clock.now() {
        return Err(Error::StartInPast);
    }
    // Without a key no repeat can use this id, so its hold is released. If the booking was committed after all, vehicle takes
    // the car again on `booking.requested`.
    let keyed = ctx.idempotency.is_some();
    let vehicle = hold::place(app, id, &hold).await.inspect_err(|error| {
        if !keyed && hold::may_exist(error) {
            hold::release(app, id);
        }
    })?;
    let booked = book(app, &ctx, id, hold, vehicle, request.guest_message).await;
    booked.inspect_err(|error| {
        if !keyed || is_definite(error) {
            hold::release(app, id);
        }
    })
}

fn hold_request(guest: UserId, request: &pb::CreateBookingRequest) -> Result<HoldRequest, Error> {
    let start = convert::time("start_datetime", request.start_datetime)?;
    let end = convert::time("end_datetime", request.end_datetime)?;
    let invalid = || {
        chassis::Error::invalid(
            "end_datetime",
            "종료 시간은 시작 시간 이후여야 합니다.",
            "must be after start_datetime",
        )
    };
    Ok(HoldRequest {
        vehicle: VehicleId::parse("vehicle_id", &request.vehicle_id)?,
        guest,
        period: Period::new(start, end).ok_or_else(invalid)?,
    })
}

/// Stores the booking with the terms of the held car, its history and its event.
async fn book(
    app: &App,
    ctx: &CallContext,
    id: BookingId,
    hold: HoldRequest,
    vehicle: Vehicle,
    guest_message: Option<String>,
) -> Result<pb::Booking, Error> {
    let price = Price::quote(&hold.period, vehicle.hourly_rate)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("no price: {} won an hour", vehicle.hourly_rate)))?;
    let new = NewBooking {
        id,
        vehicle_id: hold.vehicle,
        guest_id: hold.guest,
        host_id: UserId::parse("owner_id", &vehicle.owner_id).map_err(Error::internal)?,
        period: hold.period,
        price,
        vehicle_snapshot: vehicle.encode_to_vec(),
        guest_message,
        respond_within: app.config.booking.respond_within,
        max_open_requests: app.config.booking.max_open_requests,
    };
    app.db.idempotent(ctx, "bookings.create", new, insert).await
}

async fn insert(tx: &Tx, new: &NewBooking) -> Result<pb::Booking, Error> {
    let open_requests = bookings::lock_open_requests(tx.conn(), new.guest_id).await?;
    let (booking, change) = Booking::request(new.clone(), open_requests, tx.now())?;
    apply_change::insert(tx, &booking, change).await?;
    response::booking(tx.conn(), &booking).await
}

/// Returns whether a repeat would fail in the same way.
fn is_definite(error: &Error) -> bool {
    use carshare_store::Error as Store;
    match error {
        Error::Store(error) => match error {
            Store::Conflict { .. } | Store::Internal(_) => true,
            Store::Unavailable(_) | Store::Contention | Store::Stale | Store::KeyReused => false,
        },
        _ => true,
    }
}
