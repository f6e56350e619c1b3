//! A claim of the host against the guest after a rental: for damage, or for a late return. It is charged with evidence only, and after the
//! consent of the guest, the lapse of the time to object, or the decision of an admin.

mod filing;
pub mod late_return;
#[cfg(test)]
mod tests;
pub mod transitions;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use filing::{NewClaim, Rented};
pub use transitions::ClaimStatus;
use transitions::{Step, step};

use super::handover::Digest;
use super::price::{PLATFORM_FEE_BPS, share};
use super::{BookingId, Change, ClaimId, Status, UserId};

/// What a claim is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum ClaimKind {
    /// Compensation, all of which the host gets.
    Damage,
    /// Time, of which the platform keeps its fee as of the price.
    LateReturn,
}

/// What the host claims of the guest, with its evidence and answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Also the id of its charge.
    pub id: ClaimId,
    pub booking_id: BookingId,
    pub guest_id: UserId,
    pub host_id: UserId,
    /// Incremented by every update.
    pub version: i64,
    pub kind: ClaimKind,
    pub status: ClaimStatus,
    pub claimed_krw: i64,
    /// Set once it is approved.
    pub approved_krw: Option<i64>,
    /// Of the host. `None` for a late return that the system noticed.
    pub description: Option<String>,
    /// Hashes of entries of the handover, in their order.
    pub evidence: Vec<Digest>,
    /// Of a late return that the system noticed.
    pub returned_at: Option<DateTime<Utc>>,
    pub objection: Option<Objection>,
    pub decision: Option<Decision>,
    /// Without an answer it counts as accepted from then on.
    pub object_by: DateTime<Utc>,
    /// Set once it is approved.
    pub payment_due_at: Option<DateTime<Utc>>,
    /// Won refunded of the charge.
    pub refunded_krw: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Objection of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// `None` once the account of the guest is deleted.
    pub text: Option<String>,
    pub objected_at: DateTime<Utc>,
}

/// Decision of an admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// `None` once the account of a side is deleted.
    pub reason: Option<String>,
    pub admin: UserId,
    pub decided_at: DateTime<Utc>,
}

/// Limits of claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRules {
    /// After the completion.
    pub file_within: Duration,
    pub object_within: Duration,
    /// After the approval.
    pub pay_within: Duration,
    pub max_krw: i64,
    /// Of one booking, those of late returns that the system noticed included.
    pub max_claims: usize,
    /// Time after the end of a rental for which nothing is charged.
    pub late_grace: Duration,
    /// Of the hourly rate.
    pub late_rate_percent: i64,
}

/// Why a claim or an answer to it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimRefusal {
    NotCompleted,
    PeriodOver {
        days: u64,
    },
    /// Not entries of the handover, or without a photo of the return.
    EvidenceInvalid,
    AmountTooHigh {
        max_krw: i64,
    },
    TooMany {
        max: usize,
    },
    PartyClosed,
    /// It does not allow the step.
    Closed {
        status: ClaimStatus,
    },
}

impl ClaimKind {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Claim {
    /// Accepts it for the guest.
    pub fn accept(&mut self, pay_within: Duration, now: DateTime<Utc>) -> Result<(), ClaimRefusal> {
        self.check_current(now)?;
        self.take(Step::Accept, now)?;
        self.charge(self.claimed_krw, pay_within, now);
        Ok(())
    }

    /// Objects to it for the guest.
    pub fn object(&mut self, text: String, now: DateTime<Utc>) -> Result<(), ClaimRefusal> {
        self.check_current(now)?;
        self.take(Step::Object, now)?;
        self.objection = Some(Objection {
            text: Some(text),
            objected_at: now,
        });
        Ok(())
    }

    /// Takes it back for the host.
    pub fn withdraw(&mut self, now: DateTime<Utc>) -> Result<(), ClaimRefusal> {
        self.check_current(now)?;
        self.take(Step::Withdraw, now)
    }

    /// Approves so much of it for an admin, or rejects it with nothing.
    pub fn decide(
        &mut self,
        approved_krw: i64,
        decision: Decision,
        pay_within: Duration,
    ) -> Result<(), ClaimRefusal> {
        let now = decision.decided_at;
        let next = if approved_krw > 0 {
            Step::Approve
        } else {
            Step::Reject
        };
        self.check_step(next)?;
        if approved_krw > self.claimed_krw {
            return Err(ClaimRefusal::AmountTooHigh {
                max_krw: self.claimed_krw,
            });
        }
        self.take(next, now)?;
        self.decision = Some(decision);
        if next == Step::Approve {
            self.charge(approved_krw, pay_within, now);
        }
        Ok(())
    }

    /// Applies its deadline if it has passed: without an objection it is approved, without a payment it fails. Returns whether it did.
    pub fn pass_deadline(&mut self, pay_within: Duration, now: DateTime<Utc>) -> bool {
        if self.status == ClaimStatus::Open && self.object_by <= now {
            self.charge(self.claimed_krw, pay_within, now);
            return self.take(Step::Accept, now).is_ok();
        }
        let is_unpaid = self.payment_due_at.is_some_and(|due| due <= now);
        is_unpaid && self.take(Step::FailPayment, now).is_ok()
    }

    /// Records the capture of its charge.
    pub fn capture(&mut self, now: DateTime<Utc>) -> Result<(), ClaimRefusal> {
        self.take(Step::Capture, now)
    }

    /// Closes it because its charge was declined.
    pub fn fail_payment(&mut self, now: DateTime<Utc>) -> Result<(), ClaimRefusal> {
        self.take(Step::FailPayment, now)
    }

    /// Records the total refunded so far. Returns whether it is more than before.
    pub fn record_refund(&mut self, refunded_krw: i64, now: DateTime<Utc>) -> bool {
        let is_more = refunded_krw > self.refunded_krw;
        if is_more {
            self.refunded_krw = refunded_krw;
            self.updated_at = now;
        }
        is_more
    }

    /// Returns the won of the charge that the platform keeps.
    pub fn platform_fee_krw(&self) -> i64 {
        match self.kind {
            ClaimKind::Damage => 0,
            ClaimKind::LateReturn => share(self.approved_krw.unwrap_or(self.claimed_krw), PLATFORM_FEE_BPS),
        }
    }

    /// Returns the word of the history for the step that led to the status.
    pub fn reason(&self) -> &'static str {
        match self.status {
            ClaimStatus::Open => "claim_filed",
            ClaimStatus::Objected => "claim_objected",
            ClaimStatus::AwaitingPayment => "claim_approved",
            ClaimStatus::Paid => "claim_paid",
            ClaimStatus::PaymentFailed => "claim_payment_failed",
            ClaimStatus::Withdrawn => "claim_withdrawn",
            ClaimStatus::Rejected => "claim_rejected",
        }
    }

    /// Returns the entry of the history for the step that led to the status: the status of the booking stays.
    pub fn entry(&self, booking: Status) -> Change {
        Change {
            from: booking,
            event: None,
            reason: Some(self.reason()),
        }
    }

    fn charge(&mut self, approved_krw: i64, pay_within: Duration, now: DateTime<Utc>) {
        self.approved_krw = Some(approved_krw);
        self.payment_due_at = Some(now + pay_within);
    }

    /// Refuses an answer after the time to object, whether or not the timer has run.
    fn check_current(&self, now: DateTime<Utc>) -> Result<(), ClaimRefusal> {
        if self.status == ClaimStatus::Open && self.object_by <= now {
            let status = ClaimStatus::AwaitingPayment;
            return Err(ClaimRefusal::Closed { status });
        }
        Ok(())
    }

    fn check_step(&self, next: Step) -> Result<ClaimStatus, ClaimRefusal> {
        step(next, self.status).ok_or(ClaimRefusal::Closed { status: self.status })
    }

    fn take(&mut self, next: Step, now: DateTime<Utc>) -> Result<(), ClaimRefusal> {
        self.status = self.check_step(next)?;
        self.updated_at = now;
        Ok(())
    }
}
