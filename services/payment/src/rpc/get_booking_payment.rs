//! `GetBookingPayment`: returns the payment of a booking to its guest, its host and admins; to others it does not exist.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::ids::BookingId;
use crate::domain::payment::Payment;
use crate::error::Error;
use crate::store::payments;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetBookingPaymentRequest,
) -> Result<pb::Payment, Error> {
    let caller = ctx.user()?;
    let booking = BookingId(uuid("booking_id", &request.booking_id)?);
    let payment = payments::find_by_booking(app.db.conn(), booking).await?;
    let payment = payment
        .filter(|payment| may_read(caller, payment))
        .ok_or(Error::PaymentNotFound)?;
    Ok(convert::payment(&payment))
}

fn may_read(caller: &UserCaller, payment: &Payment) -> bool {
    caller.role == Role::Admin || caller.id == payment.guest_id.0 || caller.id == payment.host_id.0
}
