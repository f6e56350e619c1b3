//! Handlers of `BookingClaimService`, one file each, and the tonic service that delegates to them.

mod accept_booking_claim;
mod decide_booking_claim;
mod file_booking_claim;
mod list_booking_claims;
mod list_objected_claims;
mod object_to_booking_claim;
mod withdraw_booking_claim;

use carshare_chassis::rpc;
use carshare_proto::booking::v1::booking_claim_service_server::BookingClaimService;
use carshare_proto::booking::v1::*;
use carshare_store::Tx;
use tonic::Request;

use super::{Reply, Rpc, authorization, convert_claim};
use crate::App;
use crate::domain::claim::ClaimRules;
use crate::domain::{Booking, BookingId, Claim, ClaimId, Party, UserId};
use crate::error::Error;
use crate::store::booking_claims;

#[tonic::async_trait]
impl BookingClaimService for Rpc {
    async fn file_booking_claim(&self, request: Request<FileBookingClaimRequest>) -> Reply<BookingClaim> {
        rpc::unary(&self.app, request, file_booking_claim::handle).await
    }

    async fn accept_booking_claim(&self, request: Request<AcceptBookingClaimRequest>) -> Reply<BookingClaim> {
        rpc::unary(&self.app, request, accept_booking_claim::handle).await
    }

    async fn object_to_booking_claim(
        &self,
        request: Request<ObjectToBookingClaimRequest>,
    ) -> Reply<BookingClaim> {
        rpc::unary(&self.app, request, object_to_booking_claim::handle).await
    }

    async fn withdraw_booking_claim(
        &self,
        request: Request<WithdrawBookingClaimRequest>,
    ) -> Reply<BookingClaim> {
        rpc::unary(&self.app, request, withdraw_booking_claim::handle).await
    }

    async fn decide_booking_claim(&self, request: Request<DecideBookingClaimRequest>) -> Reply<BookingClaim> {
        rpc::unary(&self.app, request, decide_booking_claim::handle).await
    }

    async fn list_booking_claims(
        &self,
        request: Request<ListBookingClaimsRequest>,
    ) -> Reply<ListBookingClaimsResponse> {
        rpc::unary(&self.app, request, list_booking_claims::handle).await
    }

    async fn list_objected_claims(
        &self,
        request: Request<ListObjectedClaimsRequest>,
    ) -> Reply<ListObjectedClaimsResponse> {
        rpc::unary(&self.app, request, list_objected_claims::handle).await
    }
}

/// A claim that a side answers.
struct Target {
    booking: BookingId,
    claim: ClaimId,
    user: UserId,
    rules: ClaimRules,
}

impl Target {
    fn new(app: &App, user: UserId, booking_id: &str, claim_id: &str) -> Result<Self, Error> {
        Ok(Self {
            booking: BookingId::parse("booking_id", booking_id)?,
            claim: ClaimId::parse("claim_id", claim_id)?,
            user,
            rules: app.config.claims.rules(),
        })
    }

    /// Locks the booking for this side of it, and finds the claim.
    async fn lock_as(&self, tx: &Tx, side: Party) -> Result<(Booking, Claim), Error> {
        let (booking, party) = authorization::lock(tx, self.booking, self.user).await?;
        if party != side {
            return Err(Error::BookingNotFound);
        }
        let claim = booking_claims::find_of(tx.conn(), booking.id, self.claim).await?;
        Ok((booking, claim.ok_or(Error::ClaimNotFound)?))
    }
}
