//! `ListBookings`: the caller's bookings, as guest or as host, newest first. An admin has none.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::pagination::{self, PageRequest};
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{convert, page_token, response};
use crate::App;
use crate::domain::{Booking, UserId};
use crate::error::Error;
use crate::store::bookings::{self, BookingFilter, PageKey};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListBookingsRequest,
) -> Result<pb::ListBookingsResponse, Error> {
    let status = convert::status_filter(request.status());
    let page = PageRequest::take(&mut request);
    let after = page
        .after()?
        .map(|key| page_token::decode(key).ok_or_else(pagination::invalid_page_token));
    let owner = filter(ctx.user()?);
    let rows = bookings::list(app.db.conn(), owner, status, after.transpose()?, page.limit()).await?;
    let page = page.cut(rows, |last| page_token::encode(page_key(last)));
    Ok(pb::ListBookingsResponse {
        bookings: response::bookings(app.db.conn(), &page.items).await?,
        next_page_token: page.next_page_token,
    })
}

fn filter(user: &UserCaller) -> BookingFilter {
    match user.role {
        Role::Host => BookingFilter::Host(UserId(user.id)),
        Role::Guest | Role::Admin => BookingFilter::Guest(UserId(user.id)),
    }
}

fn page_key(booking: &Booking) -> PageKey {
    PageKey {
        created_at: booking.created_at,
        id: booking.id,
    }
}
