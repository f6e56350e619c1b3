//! `RequestBookingChange`: the guest or the host asks for another end or another car of a paid booking.
//!
//! The price is that of the whole new period at the rates of the booking; another car costs the same. The vehicle service is asked whether the
//! car is free; nothing is held before the other side accepts. What was decided with the booking as read is decided again under its lock.

use std::time::Duration;

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_store::Tx;
use chrono::{DateTime, Utc};
use prost::Message as _;

use super::convert_change::change;
use crate::App;
use crate::apply_booking_change;
use crate::domain::booking_change::{NewChange, Target};
use crate::domain::{Actor, Booking, BookingId, ChangeId, Party, UserId, VehicleId};
use crate::error::Error;
use crate::hold::{self, HoldRequest};
use crate::rpc::{authorization, convert};

struct Input {
    booking: BookingId,
    user: UserId,
    wanted: Wanted,
    message: Option<String>,
    respond_within: Duration,
}

#[derive(Clone)]
enum Wanted {
    End(DateTime<Utc>),
    Vehicle {
        id: VehicleId,
        /// As the vehicle service has returned it; `None` before.
        car: Option<Box<Vehicle>>,
    },
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::RequestBookingChangeRequest,
) -> Result<pb::BookingChange, Error> {
    let wanted = match &request.vehicle_id {
        Some(id) => Wanted::Vehicle {
            id: convert::vehicle_id(id)?,
            car: None,
        },
        None => Wanted::End(convert::time("end_datetime", request.end_datetime)?),
    };
    let mut input = Input {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        user: authorization::caller(&ctx)?,
        wanted,
        message: request.message,
        respond_within: app.config.booking.respond_within,
    };
    if let Some(change) = app.db.find_reply(&ctx).await? {
        return Ok(change);
    }
    let (booking, party) = authorization::find(app, input.booking, input.user).await?;
    // A refusal needs no car.
    let id = ChangeId(app.environment.ids.next());
    let new = new_change(id, &booking, party, &input)?;
    let asked = booking.clone().request_change(new, app.environment.clock.now())?;
    if let Some(period) = asked.needed_period(&booking.period) {
        let hold = HoldRequest {
            vehicle: asked.vehicle_id,
            guest: booking.guest_id,
            period,
        };
        let free = hold::check_free(app, &hold, booking.host_id).await?;
        if let Wanted::Vehicle { car, .. } = &mut input.wanted {
            *car = Some(Box::new(free));
        }
    }
    app.db
        .idempotent(&ctx, "booking_changes.request", input, ask)
        .await
}

async fn ask(tx: &Tx, input: &Input) -> Result<pb::BookingChange, Error> {
    let (mut booking, party) = authorization::lock(tx, input.booking, input.user).await?;
    let new = new_change(ChangeId(tx.new_id()), &booking, party, input)?;
    let asked = booking.request_change(new, tx.now())?;
    let actor = Actor::Person(party, input.user);
    apply_booking_change::insert(tx, &mut booking, &asked, actor).await?;
    Ok(change(&asked))
}

fn new_change(id: ChangeId, booking: &Booking, party: Party, input: &Input) -> Result<NewChange, Error> {
    let booked = convert::vehicle(booking)?;
    let target = match &input.wanted {
        Wanted::End(end) => Target::End(*end),
        Wanted::Vehicle { id, car } => Target::Vehicle {
            id: *id,
            snapshot: at_rates_of(&booked, car.as_deref().cloned().unwrap_or_default()).encode_to_vec(),
        },
    };
    Ok(NewChange {
        id,
        requested_by: party,
        target,
        rates: convert::rates(&booked)?,
        message: input.message.clone(),
        respond_within: input.respond_within,
    })
}

/// Returns the car at the rates of the booking, at which a later change of the end is priced too.
fn at_rates_of(booked: &Vehicle, car: Vehicle) -> Vehicle {
    Vehicle {
        hourly_rate: booked.hourly_rate,
        pricing: booked.pricing.clone(),
        ..car
    }
}
