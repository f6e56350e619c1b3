//! Charges of claims after rentals.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;
use carshare_proto::payment::v1::*;

use crate::booking::Booking;
use crate::card_changes::DECLINED_CARD;
use crate::harness::*;

const CLAIMED: i64 = 100_000;

/// A claim of the simulated booking service.
struct Claim {
    id: String,
    booking: Booking,
    facts: pb::BookingClaimFacts,
}

impl Harness {
    fn claim(&self, booking: &Booking, platform_fee: i64) -> Claim {
        let id = self.environment.ids.next().to_string();
        let claim = pb::BookingClaim {
            id: id.clone(),
            booking_id: booking.id.clone(),
            approved_amount: Some(CLAIMED),
            payment_due_at: Some(timestamp(self.clock.now() + chrono::TimeDelta::days(7))),
            ..Default::default()
        };
        Claim {
            id,
            booking: booking.clone(),
            facts: pb::BookingClaimFacts {
                claim: Some(claim),
                platform_fee,
            },
        }
    }
}

impl Claim {
    fn approved(&self) -> pb::BookingClaimApproved {
        pb::BookingClaimApproved {
            booking_id: self.booking.id.clone(),
            booking: Some(self.booking.facts.clone()),
            claim: Some(self.facts.clone()),
        }
    }

    fn closed(&self) -> pb::BookingClaimClosed {
        pb::BookingClaimClosed {
            booking_id: self.booking.id.clone(),
            booking: Some(self.booking.facts.clone()),
            claim: Some(self.facts.clone()),
        }
    }
}

#[tokio::test]
async fn damage_is_charged_once_without_a_fee() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    let claim = harness.claim(&booking, 0);
    harness.publish(claim.approved()).await;
    harness.publish(claim.approved()).await;
    let row = harness.until_charge_of(&claim.id, "completed").await;
    assert_eq!(row.fee_krw, 0);
    let event: ChargeCompleted = harness.event().await;
    assert_eq!(
        (event.charge_id.as_str(), event.amount),
        (claim.id.as_str(), CLAIMED)
    );
    assert_eq!(
        harness.balances().await,
        [
            "host_payable -138250",
            "platform_fee -6750",
            "provider_clearing 145000"
        ]
    );
    assert_eq!(harness.request_count("/v1/billing/bsbx"), 2);
    harness.finish().await;
}

#[tokio::test]
async fn late_return_is_charged_with_its_fee() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    let claim = harness.claim(&booking, 15_000);
    harness.publish(claim.approved()).await;
    let row = harness.until_charge_of(&claim.id, "completed").await;
    assert_eq!(row.fee_krw, 15_000);
    harness.finish().await;
}

#[tokio::test]
async fn declined_claim_leaves_the_price_captured() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    harness.register(booking.guest, DECLINED_CARD).await.unwrap();
    let claim = harness.claim(&booking, 0);
    harness.publish(claim.approved()).await;
    harness.until_charge_of(&claim.id, "failed").await;
    let event: ChargeFailed = harness.event().await;
    assert_eq!(event.charge_id, claim.id);
    assert_eq!(harness.row(&booking).await.unwrap().state, "completed");
    harness.finish().await;
}

#[tokio::test]
async fn closed_claim_is_not_charged_whichever_event_comes_first() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.person("guest")).await;
    let claim = harness.claim(&booking, 0);
    harness.publish(claim.approved()).await;
    harness.until_charge_of(&claim.id, "requested").await;
    harness.publish(claim.closed()).await;
    let row = harness.until_charge_of(&claim.id, "failed").await;
    assert_eq!(row.failure_code.as_deref(), Some("BOOKING_CLOSED"));

    let late = harness.claim(&booking, 0);
    harness.publish(late.closed()).await;
    harness.publish(late.approved()).await;
    assert_eq!(harness.count("SELECT count(*) AS count FROM payments").await, 2);
    harness.finish().await;
}
