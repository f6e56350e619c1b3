//! `GetBooking`: a booking, for its guest, its host and admins. To all others it is NOT_FOUND.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{authorization, response};
use crate::domain::handover::Phase;
use crate::domain::{Booking, BookingId, UserId};
use crate::error::Error;
use crate::store::{handover_entries, handover_photos};
use crate::{App, handover_files};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetBookingRequest,
) -> Result<pb::Booking, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    let user = ctx.user()?;
    let booking = authorization::find_visible(app, id, user).await?;
    let mut reply = response::booking(app.db.conn(), &booking, UserId(user.id)).await?;
    // A booking that was never confirmed has no photos.
    if booking.confirmed_at.is_some() {
        add_photos(app, &booking, &mut reply).await?;
    }
    Ok(reply)
}

async fn add_photos(app: &App, booking: &Booking, reply: &mut pb::Booking) -> Result<(), Error> {
    let with_files = handover_photos::list_with_files(app.db.conn(), booking.id).await?;
    if with_files.is_empty() {
        return Ok(());
    }
    let chain = handover_entries::chain(app.db.conn(), booking.id).await?;
    reply.pickup_photos = handover_files::list(app, &chain, &with_files, Phase::Pickup).await?;
    reply.return_photos = handover_files::list(app, &chain, &with_files, Phase::Return).await?;
    Ok(())
}
