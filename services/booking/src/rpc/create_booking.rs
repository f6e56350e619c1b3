//! `CreateBooking`: a guest asks for a car and a period.
//!
//! The car is held at the vehicle service first, under the id the booking will have, and outside any transaction. Then one
//! transaction writes the booking with the terms of the moment and announces it. A crash in between leaves a hold that ends
//! by itself; a repeat under the same idempotency key has the same id and so finds its own hold.

use carshare_chassis as chassis;
use carshare_chassis::proto_types;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_store::{Claim, Tx};
use prost::Message as _;

use super::{authorization, convert, response};
use crate::domain::{Booking, BookingId, Period, Price, Request, UserId, VehicleId};
use crate::error::Error;
use crate::hold::{self, CancelInput};
use crate::{App, apply_change};

/// Holds the car, then books it.
pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CreateBookingRequest,
) -> Result<pb::Booking, Error> {
    let guest = authorization::caller(&ctx)?;
    let input = input(guest, &request)?;
    let id = match app.db.claim(&ctx).await? {
        Claim::Replayed(booking) => return Ok(booking),
        Claim::New(id) => BookingId(id),
    };
    if input.period.start() <= app.environment.clock.now() {
        return Err(Error::StartInPast);
    }
    // Without a key no repeat can use this id, so its hold is released. A repeat with a key finds its hold. If the booking
    // was committed all the same, vehicle takes the car again on `booking.requested`.
    let keyed = ctx.idempotency.is_some();
    let vehicle = hold::place(app, id, &input).await.inspect_err(|error| {
        if !keyed && hold::hold_may_exist(error) {
            hold::release(app, id);
        }
    })?;
    let booked = book(app, &ctx, id, input, vehicle, request.guest_message).await;
    booked.inspect_err(|error| {
        if !keyed || is_definite(error) {
            hold::release(app, id);
        }
    })
}

fn input(guest: UserId, request: &pb::CreateBookingRequest) -> Result<CancelInput, Error> {
    let start = convert::time("start_datetime", request.start_datetime)?;
    let end = convert::time("end_datetime", request.end_datetime)?;
    let invalid = || {
        chassis::Error::invalid(
            "end_datetime",
            "종료 시간은 시작 시간 이후여야 합니다.",
            "must be after start_datetime",
        )
    };
    Ok(CancelInput {
        vehicle: VehicleId(proto_types::uuid("vehicle_id", &request.vehicle_id)?),
        guest,
        period: Period::new(start, end).ok_or_else(invalid)?,
    })
}

/// The one transaction: the booking with the terms of the held car, its history and its event.
async fn book(
    app: &App,
    ctx: &CallContext,
    id: BookingId,
    input: CancelInput,
    vehicle: Vehicle,
    guest_message: Option<String>,
) -> Result<pb::Booking, Error> {
    let price = Price::quote(&input.period, vehicle.hourly_rate)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("no price: {} won an hour", vehicle.hourly_rate)))?;
    let request = Request {
        id,
        vehicle_id: input.vehicle,
        guest_id: input.guest,
        host_id: UserId(uuid::Uuid::parse_str(&vehicle.owner_id).map_err(Error::internal)?),
        period: input.period,
        price,
        vehicle_snapshot: vehicle.encode_to_vec(),
        guest_message,
        respond_within: app.config.booking.respond_within,
    };
    app.db.idempotent(ctx, "bookings.create", request, insert).await
}

async fn insert(tx: &Tx, request: &Request) -> Result<pb::Booking, Error> {
    let (booking, change) = Booking::request(request.clone(), tx.now());
    apply_change::insert(tx, &booking, change).await?;
    response::booking(tx.conn(), &booking).await
}

/// Whether trying again would end the same.
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
