//! `ListBookings`: the caller's bookings, as guest or as host. An admin has none.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::pagination::{self, PageRequest, SortKey};
use carshare_chassis::proto_types::to_datetime;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use chrono::DateTime;

use super::{convert, response};
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
    let page = page.cut(rows, |last| encode(order.key(last)));
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

fn encode(key: PageKey) -> [u8; SortKey::LEN] {
    let number = key.time.timestamp_micros();
    SortKey { number, id: key.id.0 }.encode()
}

/// Decodes the key in a page token. `INVALID_ARGUMENT` when its time is out of range.
fn page_key(bytes: [u8; SortKey::LEN]) -> Result<PageKey, Error> {
    let key = SortKey::decode(bytes);
    let time = DateTime::from_timestamp_micros(key.number).ok_or_else(pagination::invalid_page_token)?;
    Ok(PageKey {
        time,
        id: BookingId(key.id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use carshare_proto::common::v1::ErrorReason as Common;
    use proptest::prelude::*;
    use uuid::Uuid;

    #[test]
    fn key_with_a_time_out_of_range_is_refused() {
        let refused = page_key([0x7F; SortKey::LEN]).unwrap_err();
        assert!(carshare_chassis::Error::from(refused).is(Common::InvalidArgument));
    }

    proptest! {
        #[test]
        fn key_round_trips(micros in 0i64..4_102_444_800_000_000, id in any::<u128>()) {
            let time = DateTime::from_timestamp_micros(micros).unwrap();
            let key = PageKey { time, id: BookingId(Uuid::from_u128(id)) };
            prop_assert_eq!(page_key(encode(key)).unwrap(), key);
        }
    }
}
