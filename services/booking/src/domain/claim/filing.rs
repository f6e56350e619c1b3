//! What a claim needs to be filed.

use chrono::{DateTime, Utc};

use super::{Claim, ClaimKind, ClaimRefusal, ClaimRules, ClaimStatus};
use crate::domain::handover::{Chain, Content, Digest, Phase};
use crate::domain::{Booking, ClaimId, Status};

/// Input for a claim of the host.
#[derive(Clone, Debug)]
pub struct NewClaim {
    pub id: ClaimId,
    pub kind: ClaimKind,
    pub amount_krw: i64,
    pub description: String,
    pub evidence: Vec<Digest>,
}

/// What has happened to the booking so far.
#[derive(Clone, Copy, Debug)]
pub struct Rented<'a> {
    pub completed_at: Option<DateTime<Utc>>,
    pub is_party_closed: bool,
    pub chain: &'a Chain,
    /// Claims of the booking.
    pub claims: usize,
}

impl Claim {
    /// Files a claim of the host.
    pub fn file(
        new: NewClaim,
        booking: &Booking,
        rented: Rented<'_>,
        rules: &ClaimRules,
        now: DateTime<Utc>,
    ) -> Result<Self, ClaimRefusal> {
        let completed_at = rented
            .completed_at
            .filter(|_| booking.status == Status::Completed);
        let completed_at = completed_at.ok_or(ClaimRefusal::NotCompleted)?;
        if completed_at + rules.file_within <= now {
            let days = rules.file_within.as_secs() / (24 * 3_600);
            return Err(ClaimRefusal::PeriodOver { days });
        }
        if rented.is_party_closed {
            return Err(ClaimRefusal::PartyClosed);
        }
        if rented.claims >= rules.max_claims {
            return Err(ClaimRefusal::TooMany {
                max: rules.max_claims,
            });
        }
        if new.amount_krw > rules.max_krw {
            return Err(ClaimRefusal::AmountTooHigh {
                max_krw: rules.max_krw,
            });
        }
        Ok(Self {
            evidence: evidence(rented.chain, &new.evidence)?,
            description: Some(new.description),
            ..Self::open(
                new.id,
                booking,
                new.kind,
                new.amount_krw,
                now + rules.object_within,
                now,
            )
        })
    }

    /// Returns a claim without evidence.
    pub(super) fn open(
        id: ClaimId,
        booking: &Booking,
        kind: ClaimKind,
        claimed_krw: i64,
        object_by: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            booking_id: booking.id,
            guest_id: booking.guest_id,
            host_id: booking.host_id,
            version: 1,
            kind,
            status: ClaimStatus::Open,
            claimed_krw,
            approved_krw: None,
            description: None,
            evidence: Vec::new(),
            returned_at: None,
            objection: None,
            decision: None,
            object_by,
            payment_due_at: None,
            refunded_krw: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Returns the named entries in the order of the handover, of which one has to be a photo of the return.
fn evidence(chain: &Chain, named: &[Digest]) -> Result<Vec<Digest>, ClaimRefusal> {
    let found = chain
        .entries()
        .iter()
        .filter(|sealed| named.contains(&sealed.hash));
    let found: Vec<_> = found.collect();
    let shows_return = found.iter().any(|sealed| {
        sealed.entry.phase == Phase::Return && matches!(sealed.entry.content, Content::Photo { .. })
    });
    if found.len() != named.len() || !shows_return {
        return Err(ClaimRefusal::EvidenceInvalid);
    }
    Ok(found.iter().map(|sealed| sealed.hash).collect())
}
