//! `CompleteBooking`: the car is back. Either side may report it.
//!
//! `active` → `completed`. A late return is claimed.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, response};
use crate::domain::claim::ClaimRules;
use crate::domain::{Actor, BookingId, UserId};
use crate::error::Error;
use crate::{App, apply_change, apply_claim};

struct Input {
    booking: BookingId,
    user: UserId,
    claim_rules: ClaimRules,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::CompleteBookingRequest,
) -> Result<pb::Booking, Error> {
    let input = Input {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        user: authorization::caller(&ctx)?,
        claim_rules: app.config.claims.rules(),
    };
    app.db
        .idempotent(&ctx, "bookings.complete", input, complete)
        .await
}

async fn complete(tx: &Tx, input: &Input) -> Result<pb::Booking, Error> {
    let user = input.user;
    let (mut booking, party) = authorization::lock(tx, input.booking, user).await?;
    let (change, actor) = (booking.complete(tx.now())?, Actor::Person(party, user));
    apply_change::update(tx, &mut booking, change, actor).await?;
    apply_claim::insert_late_return(tx, &mut booking, &input.claim_rules, actor).await?;
    response::booking(tx.conn(), &booking, user).await
}
