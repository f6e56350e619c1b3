//! Publishes events of claims.

use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::publish;
use crate::domain::claim::ClaimStatus;
use crate::domain::{Booking, Claim};
use crate::error::Error;
use crate::rpc::convert_claim;

/// Publishes the step that led to the status of a claim.
pub fn event(tx: &Tx, of: &Booking, claim: &Claim) -> Result<(), Error> {
    let booking_id = of.id.to_string();
    let (booking, facts) = (Some(publish::facts(of)?), Some(facts(claim)));
    match claim.status {
        ClaimStatus::Open => tx.publish(&pb::BookingClaimFiled {
            booking_id,
            booking,
            claim: facts,
        }),
        ClaimStatus::Objected => tx.publish(&pb::BookingClaimObjected {
            booking_id,
            booking,
            claim: facts,
        }),
        ClaimStatus::AwaitingPayment => tx.publish(&pb::BookingClaimApproved {
            booking_id,
            booking,
            claim: facts,
        }),
        ClaimStatus::Paid => tx.publish(&pb::BookingClaimPaid {
            booking_id,
            booking,
            claim: facts,
        }),
        ClaimStatus::PaymentFailed | ClaimStatus::Withdrawn | ClaimStatus::Rejected => {
            tx.publish(&pb::BookingClaimClosed {
                booking_id,
                booking,
                claim: facts,
            });
        }
    }
    Ok(())
}

/// Events outlive the texts, which are erased with the account of their author.
fn facts(claim: &Claim) -> pb::BookingClaimFacts {
    let without_texts = pb::BookingClaim {
        description: None,
        objection: None,
        decision_reason: None,
        evidence_sha256s: Vec::new(),
        ..convert_claim::claim(claim)
    };
    pb::BookingClaimFacts {
        claim: Some(without_texts),
        platform_fee: claim.platform_fee_krw(),
    }
}
