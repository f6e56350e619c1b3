//! Conversions of claims.

use carshare_chassis as chassis;
use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;

use crate::domain::Claim;
use crate::domain::claim::{ClaimKind, ClaimStatus};
use crate::domain::handover::Digest;
use crate::error::Error;

pub fn claim(claim: &Claim) -> pb::BookingClaim {
    let (objection, decision) = (claim.objection.as_ref(), claim.decision.as_ref());
    pb::BookingClaim {
        id: claim.id.to_string(),
        booking_id: claim.booking_id.to_string(),
        kind: kind(claim.kind).into(),
        status: status(claim.status).into(),
        claimed_amount: claim.claimed_krw,
        approved_amount: claim.approved_krw,
        description: claim.description.clone(),
        evidence_sha256s: claim.evidence.iter().map(Digest::to_string).collect(),
        returned_at: claim.returned_at.map(timestamp),
        objection: objection.and_then(|objection| objection.text.clone()),
        decision_reason: decision.and_then(|decision| decision.reason.clone()),
        object_by: Some(timestamp(claim.object_by)),
        payment_due_at: claim.payment_due_at.map(timestamp),
        refunded_amount: claim.refunded_krw,
        created_at: Some(timestamp(claim.created_at)),
        updated_at: Some(timestamp(claim.updated_at)),
    }
}

/// Reads the kind of a request, which its rules have checked.
pub fn to_kind(kind: pb::BookingClaimKind) -> Result<ClaimKind, Error> {
    match kind {
        pb::BookingClaimKind::Damage => Ok(ClaimKind::Damage),
        pb::BookingClaimKind::LateReturn => Ok(ClaimKind::LateReturn),
        pb::BookingClaimKind::Unspecified => Err(Error::internal(anyhow::anyhow!("a claim without a kind"))),
    }
}

/// Reads hashes. `INVALID_ARGUMENT` for one that is malformed.
pub fn to_digests(hashes: &[String]) -> Result<Vec<Digest>, Error> {
    let invalid = |_| {
        chassis::Error::invalid(
            "evidence_sha256s",
            "올바른 해시가 아닙니다.",
            "is not a SHA-256 hash",
        )
    };
    let digests = hashes.iter().map(|hash| hash.parse().map_err(invalid));
    Ok(digests.collect::<Result<_, _>>()?)
}

fn kind(kind: ClaimKind) -> pb::BookingClaimKind {
    match kind {
        ClaimKind::Damage => pb::BookingClaimKind::Damage,
        ClaimKind::LateReturn => pb::BookingClaimKind::LateReturn,
    }
}

fn status(status: ClaimStatus) -> pb::BookingClaimStatus {
    match status {
        ClaimStatus::Open => pb::BookingClaimStatus::Open,
        ClaimStatus::Objected => pb::BookingClaimStatus::Objected,
        ClaimStatus::AwaitingPayment => pb::BookingClaimStatus::AwaitingPayment,
        ClaimStatus::Paid => pb::BookingClaimStatus::Paid,
        ClaimStatus::PaymentFailed => pb::BookingClaimStatus::PaymentFailed,
        ClaimStatus::Withdrawn => pb::BookingClaimStatus::Withdrawn,
        ClaimStatus::Rejected => pb::BookingClaimStatus::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;
    use crate::rpc::contract_word;

    #[test]
    fn domain_and_contract_spell_enums_alike() {
        for each in ClaimKind::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("BookingClaimKind", kind(*each).into())
            );
        }
        for each in ClaimStatus::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("BookingClaimStatus", status(*each).into())
            );
        }
    }
}
