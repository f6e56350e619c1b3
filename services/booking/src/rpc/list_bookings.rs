//! `ListBookings`: the bookings of a guest or host, all bookings for an admin, newest first.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::pagination::{Page, PageSize};
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
    request: pb::ListBookingsRequest,
) -> Result<pb::ListBookingsResponse, Error> {
    let status = convert::status_filter(request.status());
    let after = page_token::decode(&request.page_token)?;
    let size = PageSize::requested(request.page_size);
    let rows = bookings::list(app.db.conn(), filter(ctx.user()?), status, after, size.limit()).await?;
    let page = Page::cut(rows, size, |last| page_token::key_bytes(page_key(last)));
    Ok(pb::ListBookingsResponse {
        bookings: response::bookings(app.db.conn(), &page.items).await?,
        next_page_token: page.next_page_token,
    })
}

fn filter(user: &UserCaller) -> BookingFilter {
    match user.role {
        Role::Guest => BookingFilter::Guest(UserId(user.id)),
        Role::Host => BookingFilter::Host(UserId(user.id)),
        Role::Admin => BookingFilter::All,
    }
}

fn page_key(booking: &Booking) -> PageKey {
    PageKey {
        created_at: booking.created_at,
        id: booking.id,
    }
}
