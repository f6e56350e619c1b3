//! `ListBookings`: a guest's own as guest, a host's own as host, everybody's for an admin, newest first.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{convert, page_token, response};
use crate::App;
use crate::domain::{Booking, UserId};
use crate::error::Error;
use crate::store::bookings::{self, BookingFilter, Place};

const DEFAULT_PAGE_SIZE: u64 = 50;

/// Answers with a page.
pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ListBookingsRequest,
) -> Result<pb::ListBookingsResponse, Error> {
    let status = convert::status_asked(request.status());
    let after = page_token::place(&request.page_token)?;
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
        .map(|last| page_token::token(place_of(last)))
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

fn place_of(booking: &Booking) -> Place {
    Place {
        created_at: booking.created_at,
        id: booking.id,
    }
}
