//! `ListPayments`: lists the caller's payments, as guest or as host. An admin has none.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::pagination::PageRequest;
use carshare_chassis::proto_types::to_datetime;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::domain::ids::{BookingId, GuestId, HostId, PaymentId};
use crate::error::Error;
use crate::store::payments::{self, Owner, PaymentFilter, PaymentOrder};

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    mut request: pb::ListPaymentsRequest,
) -> Result<pb::ListPaymentsResponse, Error> {
    let conn = app.db.conn();
    let (filter, order) = (filter(ctx.user()?, &request)?, order(request.order_by()));
    let page = PageRequest::take(&mut request, app.db.page_token_key().await?).of_user(ctx.user()?.id);
    let after = page.after()?.map(|key| PaymentId(Uuid::from_bytes(key)));
    let rows = payments::list(conn, &filter, order, after, page.limit()).await?;
    let total_size = page.total(payments::count(conn, &filter)).await?;
    let page = page.cut(rows, |payment| payment.id.0.into_bytes());
    Ok(pb::ListPaymentsResponse {
        payments: page.items.iter().map(convert::payment).collect(),
        next_page_token: page.next_page_token,
        total_size,
    })
}

fn filter(user: &UserCaller, request: &pb::ListPaymentsRequest) -> Result<PaymentFilter, Error> {
    let booking = request.booking_id.as_deref();
    Ok(PaymentFilter {
        owner: match user.role {
            Role::Host => Owner::Host(HostId(user.id)),
            Role::Guest | Role::Admin | Role::Unenrolled => Owner::Guest(GuestId(user.id)),
        },
        states: convert::states(request.status()),
        booking: booking.map(|id| BookingId::parse("booking_id", id)).transpose()?,
        created_from: to_datetime(request.created_from),
        created_before: to_datetime(request.created_before),
    })
}

fn order(requested: pb::PaymentOrder) -> PaymentOrder {
    match requested {
        pb::PaymentOrder::Unspecified | pb::PaymentOrder::CreatedDesc => PaymentOrder::Newest,
        pb::PaymentOrder::CreatedAsc => PaymentOrder::Oldest,
    }
}
