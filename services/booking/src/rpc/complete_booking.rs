//! `CompleteBooking`: the car is back. Either side may report it.
//!
//! `active` → `completed`.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, response};
use crate::domain::{Actor, BookingId, UserId};
use crate::error::Error;
use crate::{App, apply_change};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CompleteBookingRequest,
) -> Result<pb::Booking, Error> {
    let input = (
        BookingId::parse("booking_id", &request.booking_id)?,
        authorization::caller(&ctx)?,
    );
    app.db
        .idempotent(&ctx, "bookings.complete", input, complete)
        .await
}

async fn complete(tx: &Tx, &(id, user): &(BookingId, UserId)) -> Result<pb::Booking, Error> {
    let (mut booking, party) = authorization::lock(tx, id, user).await?;
    let change = booking.complete(tx.now())?;
    apply_change::update(tx, &mut booking, change, Actor::Person(party, user)).await?;
    response::booking(tx.conn(), &booking, user).await
}
