//! Calls of `BookingClaimService`, and rentals that claims are about.

use carshare_proto::booking::v1::booking_claim_service_client::BookingClaimServiceClient;
use carshare_proto::booking::v1::*;
use carshare_proto::payment::v1::{ChargeCompleted, ChargeFailed};
use carshare_proto::vehicle::v1::Vehicle;
use tonic::Status;
use tonic::transport::Channel;

use super::{Harness, Person, at, into_message};

impl Harness {
    pub fn claims(&self) -> BookingClaimServiceClient<Channel> {
        BookingClaimServiceClient::new(self.channel())
    }

    /// Returns a rental that was completed at 13:00, and the hash of the host's photo of its return.
    pub async fn returned(&mut self, guest: Person, host: Person, car: &Vehicle) -> (Booking, String) {
        let booking = self.active(guest, host, car).await;
        self.clock.set(at("2026-12-01T13:00:00Z"));
        self.upload(host, &booking.id, HandoverPhase::Return, PhotoAngle::Detail)
            .await
            .unwrap();
        let booking = self.complete(guest, &booking.id).await.unwrap();
        let hash = self.last_entry(host, &booking).await;
        (booking, hash)
    }

    /// Returns the hash of the last entry of a handover.
    pub async fn last_entry(&self, person: Person, booking: &Booking) -> String {
        let handover = self.handover(person, &booking.id).await.unwrap();
        handover.entries.last().unwrap().sha256.clone()
    }

    pub async fn file(&self, host: Person, input: FileBookingClaimRequest) -> Result<BookingClaim, Status> {
        let request = self.request(host, input);
        into_message(self.claims().file_booking_claim(request).await)
    }

    pub async fn accept_claim(&self, guest: Person, claim: &BookingClaim) -> Result<BookingClaim, Status> {
        let input = AcceptBookingClaimRequest {
            booking_id: claim.booking_id.clone(),
            claim_id: claim.id.clone(),
        };
        let request = self.request(guest, input);
        into_message(self.claims().accept_booking_claim(request).await)
    }

    pub async fn object_to(&self, guest: Person, claim: &BookingClaim) -> Result<BookingClaim, Status> {
        let input = ObjectToBookingClaimRequest {
            booking_id: claim.booking_id.clone(),
            claim_id: claim.id.clone(),
            objection: "인수할 때부터 있던 흠집입니다".into(),
        };
        let request = self.request(guest, input);
        into_message(self.claims().object_to_booking_claim(request).await)
    }

    pub async fn withdraw_claim(&self, host: Person, claim: &BookingClaim) -> Result<BookingClaim, Status> {
        let input = WithdrawBookingClaimRequest {
            booking_id: claim.booking_id.clone(),
            claim_id: claim.id.clone(),
        };
        let request = self.request(host, input);
        into_message(self.claims().withdraw_booking_claim(request).await)
    }

    pub async fn decide(
        &self,
        admin: Person,
        claim: &BookingClaim,
        approved_amount: i64,
    ) -> Result<BookingClaim, Status> {
        let input = DecideBookingClaimRequest {
            booking_id: claim.booking_id.clone(),
            claim_id: claim.id.clone(),
            approved_amount,
            reason: "인수 사진에는 흠집이 없습니다".into(),
        };
        let request = self.request(admin, input);
        into_message(self.claims().decide_booking_claim(request).await)
    }

    pub async fn list_claims(&self, person: Person, booking: &Booking) -> Result<Vec<BookingClaim>, Status> {
        let booking_id = booking.id.clone();
        let request = self.request(person, ListBookingClaimsRequest { booking_id });
        into_message(self.claims().list_booking_claims(request).await).map(|reply| reply.claims)
    }

    pub async fn list_objected(
        &self,
        admin: Person,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListObjectedClaimsResponse, Status> {
        let input = ListObjectedClaimsRequest {
            page_size,
            page_token: page_token.into(),
        };
        let request = self.request(admin, input);
        into_message(self.claims().list_objected_claims(request).await)
    }

    /// Returns the only claim of a booking.
    pub async fn claim_of(&self, person: Person, booking: &Booking) -> BookingClaim {
        let mut claims = self.list_claims(person, booking).await.unwrap();
        assert_eq!(claims.len(), 1);
        claims.remove(0)
    }

    /// Publishes the capture of a claim, and waits until booking has handled it.
    pub async fn capture_claim(&mut self, claim: &BookingClaim) {
        let event = ChargeCompleted {
            booking_id: claim.booking_id.clone(),
            charge_id: claim.id.clone(),
            amount: claim.approved_amount(),
            ..Default::default()
        };
        let id = self.environment.ids.next();
        self.send("payment", id, &event).await;
        self.handled("payment").await;
    }

    pub async fn fail_claim(&mut self, claim: &BookingClaim) {
        let event = ChargeFailed {
            booking_id: claim.booking_id.clone(),
            charge_id: claim.id.clone(),
            failure_code: "REJECT_CARD_PAYMENT".into(),
            ..Default::default()
        };
        let id = self.environment.ids.next();
        self.send("payment", id, &event).await;
        self.handled("payment").await;
    }
}

/// Claim of 150,000 won for damage.
pub fn damage(booking: &Booking, evidence: &[&str]) -> FileBookingClaimRequest {
    FileBookingClaimRequest {
        booking_id: booking.id.clone(),
        kind: BookingClaimKind::Damage.into(),
        amount: 150_000,
        description: "왼쪽 뒷문이 긁혔습니다".into(),
        evidence_sha256s: evidence.iter().map(|hash| (*hash).to_owned()).collect(),
    }
}
