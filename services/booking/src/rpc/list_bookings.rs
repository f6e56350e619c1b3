//! `ListBookings`: the bookings of a guest or host, all bookings for an admin, newest first.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{convert, page_token, response};
use crate::App;
use crate::domain::{Booking, UserId};
use crate::error::Error;
use crate::store::bookings::{self, BookingFilter, PageKey};

const DEFAULT_PAGE_SIZE: u64 = 50;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListBookingsRequest,
) -> Result<pb::ListBookingsResponse, Error> {
    let status = convert::status_filter(request.status());
    let after = page_token::decode(&request.page_token)?;
    let size = match request.page_size {
        0 => DEFAULT_PAGE_SIZE,
        size => u64::from(size.unsigned_abs()),
    };
    // One row more than the page size shows whether there is a next page.
    let mut found = bookings::list(app.db.conn(), filter(ctx.user()?), status, after, size + 1).await?;
    let more = found.len() as u64 > size;
    found.truncate(size as usize);
    let next_page_token = found
        .last()
        .filter(|_| more)
        .map(|last| page_token::encode(page_key(last)))
        .unwrap_or_default();
    Ok(pb::ListBookingsResponse {
        bookings: response::bookings(app.db.conn(), &found).await?,
        next_page_token,
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
