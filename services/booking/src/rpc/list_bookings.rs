//! `ListBookings`: the caller's bookings, as guest or as host, newest first. An admin has none.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::pagination::{self, PageRequest};
use carshare_chassis::proto_types::to_datetime;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{convert, page_token, response};
use crate::App;
use crate::domain::{Booking, UserId, VehicleId};
use crate::error::Error;
use crate::store::bookings::{self, BookingFilter, Owner, PageKey};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListBookingsRequest,
) -> Result<pb::ListBookingsResponse, Error> {
    let filter = filter(&request)?;
    let page = PageRequest::take(&mut request);
    let after = page
        .after()?
        .map(|key| page_token::decode(key).ok_or_else(pagination::invalid_page_token));
    let owner = owner(ctx.user()?);
    let rows = bookings::list(app.db.conn(), owner, &filter, after.transpose()?, page.limit()).await?;
    let page = page.cut(rows, |last| page_token::encode(page_key(last)));
    Ok(pb::ListBookingsResponse {
        bookings: response::bookings(app.db.conn(), &page.items).await?,
        next_page_token: page.next_page_token,
    })
}

fn filter(request: &pb::ListBookingsRequest) -> Result<BookingFilter, Error> {
    let vehicle = request.vehicle_id.as_deref();
    Ok(BookingFilter {
        status: convert::status_filter(request.status()),
        vehicle: vehicle.map(|id| VehicleId::parse("vehicle_id", id)).transpose()?,
        starts_from: to_datetime(request.starts_from),
        starts_before: to_datetime(request.starts_before),
    })
}

fn owner(user: &UserCaller) -> Owner {
    match user.role {
        Role::Host => Owner::Host(UserId(user.id)),
        Role::Guest | Role::Admin => Owner::Guest(UserId(user.id)),
    }
}

fn page_key(booking: &Booking) -> PageKey {
    PageKey {
        created_at: booking.created_at,
        id: booking.id,
    }
}
