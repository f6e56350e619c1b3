//! `ListBookingReviews`: the reviews of a booking, as its guest, its host or an admin sees them.

use carshare_chassis::identity::Role;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::response;
use crate::App;
use crate::domain::{BookingId, UserId};
use crate::error::Error;
use crate::store::{bookings, reviews};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListBookingReviewsRequest,
) -> Result<pb::ListBookingReviewsResponse, Error> {
    let conn = app.db.conn();
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    let (user, is_admin) = (UserId(ctx.user()?.id), ctx.user()?.role == Role::Admin);
    let booking = bookings::find(conn, id).await?.ok_or(Error::BookingNotFound)?;
    if !is_admin && booking.party(user).is_none() {
        return Err(Error::BookingNotFound);
    }
    let now = app.environment.clock.now();
    let mut shown = reviews::list_of_booking(conn, id).await?;
    shown.retain(|review| is_admin || review.is_visible_to(user, now));
    Ok(pb::ListBookingReviewsResponse {
        reviews: response::reviews(conn, &shown).await?,
    })
}
