//! `CancelBooking`: a side calls the booking off; what was paid goes back by the policy stored with it.
//!
//! `pending` (guest only) or `approved` → `cancelled`. A host gives everything back, a guest gets what the policy leaves.
//! While nothing is captured nothing goes back; a charge that is under way is given back whole by the payment service.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert, response};
use crate::apply_change::Actor;
use crate::domain::{BookingId, UserId};
use crate::error::Error;
use crate::{App, apply_change};

struct CancelInput {
    booking: BookingId,
    user: UserId,
    message: Option<String>,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CancelBookingRequest,
) -> Result<pb::Booking, Error> {
    let input = CancelInput {
        booking: convert::booking_id(&request.booking_id)?,
        user: authorization::caller(&ctx)?,
        message: request.message,
    };
    app.db.idempotent(&ctx, "bookings.cancel", input, cancel).await
}

async fn cancel(tx: &Tx, input: &CancelInput) -> Result<pb::Booking, Error> {
    let (mut booking, party) = authorization::lock(tx, input.booking, input.user).await?;
    let change = booking.cancel(party, input.message.clone(), tx.now())?;
    apply_change::update(tx, &mut booking, change, Actor::Person(party, input.user)).await?;
    response::booking(tx.conn(), &booking).await
}
