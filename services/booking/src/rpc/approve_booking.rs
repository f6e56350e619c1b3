//! `ApproveBooking`: the host accepts a request.
//!
//! `pending` → `approved`. The payment service charges the guest on `booking.approved`; a booking that is not paid by
//! `payment_due_at` is cancelled. Before the transaction the vehicle service confirms that the booking has its car.

use std::time::Duration;

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, response};
use crate::domain::{BookingId, Party, UserId};
use crate::error::Error;
use crate::{App, apply_change, hold};

struct Approval {
    booking: BookingId,
    host: UserId,
    host_response: Option<String>,
    pay_within: Duration,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ApproveBookingRequest,
) -> Result<pb::Booking, Error> {
    let approval = Approval {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        host: authorization::caller(&ctx)?,
        host_response: request.host_response,
        pay_within: app.config.booking.pay_within,
    };
    if let Some(booking) = app.db.find_reply(&ctx).await? {
        return Ok(booking);
    }
    let (booking, party) = authorization::find(app, approval.booking, approval.host).await?;
    if party != Party::Host {
        return Err(Error::BookingNotFound);
    }
    // A refusal needs no car.
    let now = app.environment.clock.now();
    let _ = booking.clone().approve(None, approval.pay_within, now)?;
    hold::confirm(app, &booking).await?;
    app.db
        .idempotent(&ctx, "bookings.approve", approval, approve)
        .await
}

async fn approve(tx: &Tx, approval: &Approval) -> Result<pb::Booking, Error> {
    let (mut booking, host) = authorization::lock_as_host(tx, approval.booking, approval.host).await?;
    let change = booking.approve(approval.host_response.clone(), approval.pay_within, tx.now())?;
    apply_change::update(tx, &mut booking, change, host).await?;
    response::booking(tx.conn(), &booking, approval.host).await
}
