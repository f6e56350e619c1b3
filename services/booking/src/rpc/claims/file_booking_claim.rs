//! `FileBookingClaim`: the host claims compensation, with entries of the handover as evidence.

use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::convert_claim;
use crate::domain::claim::ClaimKind;
use crate::domain::claim::{ClaimRules, NewClaim, Rented};
use crate::domain::handover::Digest;
use crate::domain::{BookingId, Claim, ClaimId, UserId};
use crate::error::Error;
use crate::rpc::authorization;
use crate::store::{booking_claims, handover_entries, status_history, user_closings};
use crate::{App, apply_claim};

struct Input {
    booking: BookingId,
    host: UserId,
    kind: ClaimKind,
    amount_krw: i64,
    description: String,
    evidence: Vec<Digest>,
    rules: ClaimRules,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::FileBookingClaimRequest,
) -> Result<pb::BookingClaim, Error> {
    let input = Input {
        booking: BookingId::parse("booking_id", &request.booking_id)?,
        host: authorization::caller(&ctx)?,
        kind: convert_claim::to_kind(request.kind())?,
        amount_krw: request.amount,
        evidence: convert_claim::to_digests(&request.evidence_sha256s)?,
        description: request.description,
        rules: app.config.claims.rules(),
    };
    app.db.idempotent(&ctx, "booking_claims.file", input, file).await
}

async fn file(tx: &Tx, input: &Input) -> Result<pb::BookingClaim, Error> {
    let (mut booking, actor) = authorization::lock_as_host(tx, input.booking, input.host).await?;
    // The lock precedes these reads: they see other claims, and a closing that the erasure of the booking has followed.
    let conn = tx.conn();
    let chain = handover_entries::chain(conn, booking.id).await?;
    if !chain.is_intact() {
        let id = booking.id;
        return Err(Error::internal(anyhow::anyhow!(
            "the evidence of booking {id} is not intact"
        )));
    }
    let rented = Rented {
        completed_at: status_history::completed_at(conn, booking.id).await?,
        is_party_closed: user_closings::is_any_closed(conn, [booking.guest_id, booking.host_id]).await?,
        chain: &chain,
        claims: booking_claims::list(conn, booking.id).await?.len(),
    };
    let new = NewClaim {
        id: ClaimId(tx.new_id()),
        kind: input.kind,
        amount_krw: input.amount_krw,
        description: input.description.clone(),
        evidence: input.evidence.clone(),
    };
    let claim = Claim::file(new, &booking, rented, &input.rules, tx.now())?;
    apply_claim::insert(tx, &mut booking, &claim, actor).await?;
    Ok(convert_claim::claim(&claim))
}
