//! `StartBooking`: the guest takes the car, from 30 minutes before the start. Either side may report it.
//!
//! `approved` and paid → `active`, before the end of the period. Before the transaction the vehicle service confirms that the
//! booking has its car.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, response};
use crate::domain::{Actor, BookingId, UserId};
use crate::error::Error;
use crate::{App, apply_change, hold};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::StartBookingRequest,
) -> Result<pb::Booking, Error> {
    let input = (
        BookingId::parse("booking_id", &request.booking_id)?,
        authorization::caller(&ctx)?,
    );
    if let Some(booking) = app.db.find_reply(&ctx).await? {
        return Ok(booking);
    }
    let (booking, _) = authorization::find(app, input.0, input.1).await?;
    // A refusal needs no car.
    let _ = booking.clone().start(app.environment.clock.now())?;
    hold::confirm(app, &booking).await?;
    app.db.idempotent(&ctx, "bookings.start", input, start).await
}

async fn start(tx: &Tx, &(id, user): &(BookingId, UserId)) -> Result<pb::Booking, Error> {
    let (mut booking, party) = authorization::lock(tx, id, user).await?;
    let change = booking.start(tx.now())?;
    apply_change::update(tx, &mut booking, change, Actor::Person(party, user)).await?;
    response::booking(tx.conn(), &booking, user).await
}
