//! `AcceptBookingClaim`: the guest agrees, and is charged.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{Target, convert_claim};
use crate::domain::{Actor, Party};
use crate::error::Error;
use crate::rpc::authorization;
use crate::{App, apply_claim};

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::AcceptBookingClaimRequest,
) -> Result<pb::BookingClaim, Error> {
    let target = Target::new(
        app,
        authorization::caller(&ctx)?,
        &request.booking_id,
        &request.claim_id,
    )?;
    app.db
        .idempotent(&ctx, "booking_claims.accept", target, accept)
        .await
}

async fn accept(tx: &Tx, target: &Target) -> Result<pb::BookingClaim, Error> {
    let (mut booking, mut claim) = target.lock_as(tx, Party::Guest).await?;
    claim.accept(target.rules.pay_within, tx.now())?;
    let actor = Actor::Person(Party::Guest, target.user);
    apply_claim::update(tx, &mut booking, &mut claim, actor).await?;
    Ok(convert_claim::claim(&claim))
}
