//! Comparison of the claims after a rental with their charges.

use uuid::Uuid;

use super::{Case, Kind, Payment};

/// A claim of a booking.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(in crate::reconcile) struct Claim {
    pub(in crate::reconcile) id: Uuid,
    pub(in crate::reconcile) booking_id: Uuid,
    pub(super) status: String,
    /// Won that the guest is charged.
    pub(super) approved_krw: Option<i64>,
    /// Won refunded so far, as reported by payment.
    pub(super) refunded_krw: i64,
}

impl Claim {
    /// Returns whether this is its charge, and it is owed.
    pub(super) fn is_owed_by(&self, charge: &Payment) -> bool {
        matches!(self.status.as_str(), "awaiting_payment" | "paid")
            && charge.charge_id == Some(self.id)
            && Some(charge.amount_krw) == self.approved_krw
    }
}

pub(super) fn compare(case: &Case) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for claim in &case.claims {
        let mut charges = case.charges.iter();
        let charge = charges.find(|charge| claim.is_owed_by(charge) && charge.captured);
        match charge {
            None if claim.status == "paid" => kinds.push(Kind::ClaimNotPaid),
            Some(charge) if charge.refunded_krw != claim.refunded_krw => kinds.push(Kind::RefundTotalDiffers),
            _ => {}
        }
    }
    kinds
}

#[cfg(test)]
mod tests;
