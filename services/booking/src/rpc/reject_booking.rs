//! `RejectBooking`: the host declines a request, which releases the car.
//!
//! `pending` → `rejected`.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, response};
use crate::domain::{BookingId, UserId};
use crate::error::Error;
use crate::{App, apply_change};

struct Rejection {
    booking: BookingId,
    host: UserId,
    host_response: Option<String>,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::RejectBookingRequest,
) -> Result<pb::Booking, Error> {
    let rejection = Rejection {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        host: authorization::caller(&ctx)?,
        host_response: request.host_response,
    };
    app.db
        .idempotent(&ctx, "bookings.reject", rejection, reject)
        .await
}

async fn reject(tx: &Tx, rejection: &Rejection) -> Result<pb::Booking, Error> {
    let (mut booking, host) = authorization::lock_as_host(tx, rejection.booking, rejection.host).await?;
    let change = booking.reject(rejection.host_response.clone(), tx.now())?;
    apply_change::update(tx, &mut booking, change, host).await?;
    response::booking(tx.conn(), &booking, rejection.host).await
}
