//! `CancelBooking`: a side calls the booking off; what was paid goes back by the policy stored with it.
//!
//! `pending` (guest only) or `approved` → `cancelled`. A host gives everything back, a guest gets what the policy leaves.
//! While nothing is captured nothing goes back; a charge that is under way is given back whole by the payment service.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{convert, own, reply};
use crate::domain::{BookingId, UserId};
use crate::error::Error;
use crate::record::Actor;
use crate::{App, record};

struct Wish {
    booking: BookingId,
    user: UserId,
    message: Option<String>,
}

/// Cancels.
pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CancelBookingRequest,
) -> Result<pb::Booking, Error> {
    let wish = Wish {
        booking: convert::booking_id(&request.booking_id)?,
        user: own::caller(&ctx)?,
        message: request.message,
    };
    app.db.idempotent(&ctx, "bookings.cancel", wish, cancel).await
}

async fn cancel(tx: &Tx, wish: &Wish) -> Result<pb::Booking, Error> {
    let (mut booking, party) = own::lock(tx, wish.booking, wish.user).await?;
    let change = booking.cancel(party, wish.message.clone(), tx.now())?;
    record::change(tx, &mut booking, change, Actor::Person(party, wish.user)).await?;
    reply::booking(tx.conn(), &booking).await
}
