//! `GetBooking`: a booking, for its guest, its host and admins. To all others it is NOT_FOUND.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{authorization, response};
use crate::App;
use crate::domain::{BookingId, UserId};
use crate::error::Error;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetBookingRequest,
) -> Result<pb::Booking, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    let user = ctx.user()?;
    let booking = authorization::find_readable(app, id, user).await?;
    response::booking(app.db.conn(), &booking, UserId(user.id)).await
}
