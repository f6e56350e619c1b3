//! `ListBookings`: the caller's bookings, as guest or as host. An admin has none.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::pagination::{PageRequest, SortKey};
use carshare_chassis::proto_types::to_datetime;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{convert, response, time_key};
use crate::App;
use crate::domain::{BookingId, UserId, VehicleId};
use crate::error::Error;
use crate::store::bookings::{self, BookingFilter, BookingOrder, Owner, PageKey};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListBookingsRequest,
) -> Result<pb::ListBookingsResponse, Error> {
    let conn = app.db.conn();
    let (filter, order) = (filter(ctx.user()?, &request)?, order(request.order_by()));
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(ctx.user()?.id);
    let after = page.after()?.map(page_key).transpose()?;
    let rows = bookings::list(conn, &filter, order, after, page.limit()).await?;
    let total_size = page.total(bookings::count(conn, &filter)).await?;
    let page = page.cut(rows, |last| {
        let key = order.key(last);
        time_key::encode(key.time, key.id.0)
    });
    Ok(pb::ListBookingsResponse {
        bookings: response::bookings(conn, &page.items, UserId(ctx.user()?.id)).await?,
        next_page_token: page.next_page_token,
        total_size,
    })
}

fn filter(user: &UserCaller, request: &pb::ListBookingsRequest) -> Result<BookingFilter, Error> {
    let vehicle = request.vehicle_id.as_deref();
    Ok(BookingFilter {
        owner: owner(user),
        status: convert::status_filter(request.status()),
        statuses: request.statuses().filter_map(convert::status_filter).collect(),
        payment_status: convert::payment_status_filter(request.payment_status()),
        vehicle: vehicle.map(|id| VehicleId::parse("vehicle_id", id)).transpose()?,
        starts_from: to_datetime(request.starts_from),
        starts_before: to_datetime(request.starts_before),
        ends_after: to_datetime(request.ends_after),
        created_from: to_datetime(request.created_from),
        created_before: to_datetime(request.created_before),
        text: Some(request.query.clone()).filter(|text| !text.trim().is_empty()),
    })
}

fn owner(user: &UserCaller) -> Owner {
    match user.role {
        Role::Host => Owner::Host(UserId(user.id)),
        Role::Guest | Role::Admin | Role::Unenrolled => Owner::Guest(UserId(user.id)),
    }
}

fn order(requested: pb::BookingOrder) -> BookingOrder {
    match requested {
        pb::BookingOrder::Unspecified | pb::BookingOrder::CreatedDesc => BookingOrder::Newest,
        pb::BookingOrder::StartsAsc => BookingOrder::EarliestStart,
        pb::BookingOrder::StartsDesc => BookingOrder::LatestStart,
    }
}

fn page_key(bytes: [u8; SortKey::LEN]) -> Result<PageKey, Error> {
    let (time, id) = time_key::decode(bytes)?;
    Ok(PageKey {
        time,
        id: BookingId(id),
    })
}
