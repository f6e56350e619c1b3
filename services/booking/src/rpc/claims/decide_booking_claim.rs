//! `DecideBookingClaim`: an admin approves a claim to which the guest objects, or rejects it.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{Target, convert_claim};
use crate::domain::Actor;
use crate::domain::claim::Decision;
use crate::error::Error;
use crate::rpc::authorization;
use crate::store::{booking_claims, bookings};
use crate::{App, apply_claim};

struct Input {
    target: Target,
    approved_krw: i64,
    reason: String,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::DecideBookingClaimRequest,
) -> Result<pb::BookingClaim, Error> {
    let admin = authorization::caller(&ctx)?;
    let input = Input {
        target: Target::new(app, admin, &request.booking_id, &request.claim_id)?,
        approved_krw: request.approved_amount,
        reason: request.reason,
    };
    app.db
        .idempotent(&ctx, "booking_claims.decide", input, decide)
        .await
}

async fn decide(tx: &Tx, input: &Input) -> Result<pb::BookingClaim, Error> {
    let target = &input.target;
    let booking = bookings::lock(tx.conn(), target.booking).await?;
    let mut booking = booking.ok_or(Error::BookingNotFound)?;
    let claim = booking_claims::find_of(tx.conn(), booking.id, target.claim).await?;
    let mut claim = claim.ok_or(Error::ClaimNotFound)?;
    let decision = Decision {
        reason: Some(input.reason.clone()),
        admin: target.user,
        decided_at: tx.now(),
    };
    claim.decide(input.approved_krw, decision, target.rules.pay_within)?;
    apply_claim::update(tx, &mut booking, &mut claim, Actor::Admin).await?;
    Ok(convert_claim::claim(&claim))
}
