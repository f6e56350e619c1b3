//! `AcceptBookingChange`: the other side agrees to a change.
//!
//! More time, or another car, is held at the vehicle service first, under the id of the change and outside any transaction. Then one
//! transaction applies the change, or lets payment charge the guest for it first. The hold is confirmed in the background; if that is lost,
//! vehicle does it on the event. A crash in between leaves a hold that expires, and that a repeat finds.

use std::time::Duration;

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{convert_change, lock};
use crate::App;
use crate::apply_booking_change;
use crate::domain::booking_change::ChangeStatus;
use crate::domain::{Actor, Booking, BookingChange, BookingId, ChangeId, ChangeRefusal, UserId};
use crate::error::Error;
use crate::hold::{self, HoldRequest};
use crate::rpc::authorization;
use crate::store::booking_changes;

struct Acceptance {
    booking: BookingId,
    change: ChangeId,
    user: UserId,
    response: Option<String>,
    pay_within: Duration,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::AcceptBookingChangeRequest,
) -> Result<pb::BookingChange, Error> {
    let acceptance = Acceptance {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        change: ChangeId::parse("change_id", &request.change_id)?,
        user: authorization::caller(&ctx)?,
        response: request.response,
        pay_within: app.config.booking.pay_within,
    };
    if let Some(change) = app.db.find_reply(&ctx).await? {
        return Ok(change);
    }
    // A refusal needs no car.
    let (booking, change) = check(app, &acceptance).await?;
    let id = change.id;
    let Some(needed) = needed_hold(&booking, &change) else {
        return app
            .db
            .idempotent(&ctx, "booking_changes.accept", acceptance, accept)
            .await;
    };
    place(app, &acceptance, &booking, &needed).await?;
    let accepted = app
        .db
        .idempotent(&ctx, "booking_changes.accept", acceptance, accept)
        .await;
    match &accepted {
        Ok(_) => hold::confirm_change(app, id, needed),
        Err(error) if is_useless_after(error) => hold::release(app, BookingId(id.0)),
        Err(_) => {}
    }
    accepted
}

/// Returns the booking and the change, which the caller could accept now.
async fn check(app: &App, acceptance: &Acceptance) -> Result<(Booking, BookingChange), Error> {
    let (booking, party) = authorization::find(app, acceptance.booking, acceptance.user).await?;
    let found = booking_changes::find_of(app.db.conn(), booking.id, acceptance.change).await?;
    let change = found.ok_or(Error::ChangeNotFound)?;
    let now = app.environment.clock.now();
    booking
        .clone()
        .accept_change(&mut change.clone(), party, None, acceptance.pay_within, now)?;
    Ok((booking, change))
}

fn needed_hold(booking: &Booking, change: &BookingChange) -> Option<HoldRequest> {
    Some(HoldRequest {
        vehicle: change.vehicle_id,
        guest: booking.guest_id,
        period: change.needed_period(&booking.period)?,
    })
}

/// Holds the car under the id of the change. A change that was closed meanwhile has released it for good, and its status is the reason then.
async fn place(
    app: &App,
    acceptance: &Acceptance,
    booking: &Booking,
    needed: &HoldRequest,
) -> Result<(), Error> {
    let id = BookingId(acceptance.change.0);
    let vehicle = match hold::place(app, id, needed).await {
        Ok(vehicle) => vehicle,
        Err(error) => {
            if matches!(error, Error::IdTaken) {
                check(app, acceptance).await?;
            }
            return Err(error);
        }
    };
    let checked = hold::check_host(&vehicle, booking.host_id);
    if checked.is_err() {
        hold::release(app, id);
    }
    checked
}

/// Returns whether a failed acceptance leaves a hold that nobody needs: not if the outcome is unknown, or another call has accepted.
fn is_useless_after(error: &Error) -> bool {
    let is_accepted = matches!(
        error,
        Error::Change(ChangeRefusal::Closed {
            status: ChangeStatus::AwaitingPayment | ChangeStatus::Applied
        })
    );
    hold::is_definite(error) && !is_accepted
}

async fn accept(tx: &Tx, acceptance: &Acceptance) -> Result<pb::BookingChange, Error> {
    let &Acceptance {
        booking,
        change,
        user,
        pay_within,
        ..
    } = acceptance;
    let (mut booking, mut change, party) = lock(tx, booking, change, user).await?;
    let response = acceptance.response.clone();
    booking.accept_change(&mut change, party, response, pay_within, tx.now())?;
    let actor = Actor::Person(party, user);
    apply_booking_change::update(tx, &mut booking, &mut change, actor).await?;
    Ok(convert_change::change(&change))
}
