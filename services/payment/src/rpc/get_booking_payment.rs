//! `GetBookingPayment`: the money of a booking, for its guest, its host and admins. To everybody else there is none.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::domain::ids::BookingId;
use crate::domain::payment::Payment;
use crate::error::Error;
use crate::store::payments;

/// Answers.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetBookingPaymentRequest,
) -> Result<pb::Payment, Error> {
    let caller = ctx.user()?;
    let booking = Uuid::try_parse(&request.booking_id)
        .map(BookingId)
        .map_err(|_| Error::PaymentNotFound)?;
    let payment = payments::find_by_booking(app.db.conn(), booking).await?;
    let payment = payment
        .filter(|payment| may_see(caller, payment))
        .ok_or(Error::PaymentNotFound)?;
    Ok(convert::payment(&payment))
}

fn may_see(caller: &UserCaller, payment: &Payment) -> bool {
    caller.role == Role::Admin || caller.id == payment.guest_id.0 || caller.id == payment.host_id.0
}
