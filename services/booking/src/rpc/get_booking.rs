//! `GetBooking`: a booking, for its guest, its host and admins. To all others it is NOT_FOUND.

use carshare_chassis::identity::Role;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::response;
use crate::App;
use crate::domain::{BookingId, UserId};
use crate::error::Error;
use crate::store::bookings;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetBookingRequest,
) -> Result<pb::Booking, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    let user = ctx.user()?;
    let booking = bookings::find(app.db.conn(), id)
        .await?
        .ok_or(Error::BookingNotFound)?;
    if user.role != Role::Admin && booking.party(UserId(user.id)).is_none() {
        return Err(Error::BookingNotFound);
    }
    response::booking(app.db.conn(), &booking, UserId(user.id)).await
}
