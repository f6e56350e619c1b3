//! `CancelBooking`: the guest or the host cancels a booking.
//!
//! `pending` (guest only) or `approved` → `cancelled`. A cancellation by the host refunds everything, one by the guest what
//! the booking's policy says. While nothing is captured the refund is zero; the payment service refunds in full a charge that
//! is in progress. A caller who expects another refund cancels nothing. A host who cancels at short notice gives the guest a coupon.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, response};
use crate::domain::coupon::CouponCode;
use crate::domain::handover::hex;
use crate::domain::{Actor, Booking, BookingId, CouponId, UserId};
use crate::error::Error;
use crate::events::publish;
use crate::store::coupons;
use crate::{App, apply_change};

struct Cancellation {
    booking: BookingId,
    user: UserId,
    message: Option<String>,
    expected_refund_krw: Option<i64>,
    /// Code of a coupon, should the guest be compensated.
    coupon: CouponCode,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CancelBookingRequest,
) -> Result<pb::Booking, Error> {
    let cancellation = Cancellation {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        user: authorization::caller(&ctx)?,
        message: request.message,
        expected_refund_krw: request.expected_refund_amount,
        coupon: CouponCode::new(&hex(&app.environment.random.bytes::<8>())),
    };
    app.db
        .idempotent(&ctx, "bookings.cancel", cancellation, cancel)
        .await
}

async fn cancel(tx: &Tx, cancellation: &Cancellation) -> Result<pb::Booking, Error> {
    let (mut booking, party) = authorization::lock(tx, cancellation.booking, cancellation.user).await?;
    let change = booking.cancel(party, cancellation.message.clone(), tx.now())?;
    let refund_krw = booking
        .cancellation
        .as_ref()
        .map_or(0, |cancellation| cancellation.refund_krw);
    if cancellation
        .expected_refund_krw
        .is_some_and(|expected| expected != refund_krw)
    {
        return Err(Error::RefundChanged { refund_krw });
    }
    apply_change::update(tx, &mut booking, change, Actor::Person(party, cancellation.user)).await?;
    compensate(tx, &booking, cancellation).await?;
    response::booking(tx.conn(), &booking, cancellation.user).await
}

/// Gives the guest a coupon, if the cancellation entitles them to one.
async fn compensate(tx: &Tx, booking: &Booking, cancellation: &Cancellation) -> Result<(), Error> {
    let (id, code) = (CouponId(tx.new_id()), cancellation.coupon.clone());
    match booking.compensation(id, code, cancellation.user, tx.now()) {
        Some(coupon) => {
            coupons::insert(tx.conn(), &coupon).await?;
            publish::compensated(tx, booking, &coupon)
        }
        None => Ok(()),
    }
}
