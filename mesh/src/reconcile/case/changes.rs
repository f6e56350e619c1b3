//! Comparison of the changes of a booking with its terms, and of its charges with changes and claims.

use uuid::Uuid;

use super::{Case, Kind, Payment};

/// A change of a booking.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(in crate::reconcile) struct Change {
    pub(in crate::reconcile) id: Uuid,
    pub(in crate::reconcile) booking_id: Uuid,
    pub(super) status: String,
    /// Won that it adds to the price.
    pub(super) difference_krw: i64,
}

impl Change {
    pub(super) fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "requested" | "awaiting_payment")
    }
}

/// Lists the differences. Changes that have just been accepted are waited for by the grace period.
pub(super) fn compare(case: &Case) -> Vec<Kind> {
    let mut kinds = Vec::new();
    if case
        .booking
        .as_ref()
        .is_some_and(|booking| !booking.changes_agree)
    {
        kinds.push(Kind::ChangesDiffer);
    }
    let applied = || case.changes.iter().filter(|change| change.status == "applied");
    let is_paid = |change: &Change| {
        let mut charges = case.charges.iter();
        charges.any(|charge| charge.pays(change) && charge.captured)
    };
    if applied().any(|change| change.difference_krw > 0 && !is_paid(change)) {
        kinds.push(Kind::ChangeNotPaid);
    }
    let is_wanted = |charge: &Payment| {
        let mut changes = case.changes.iter();
        changes.any(|change| charge.pays(change) && (change.is_open() || change.status == "applied"))
            || case.claims.iter().any(|claim| claim.is_owed_by(charge))
    };
    if case
        .charges
        .iter()
        .any(|charge| !charge.is_settled() && !is_wanted(charge))
    {
        kinds.push(Kind::UnexpectedCharge);
    }
    kinds
}

impl Payment {
    /// Returns whether it is the charge of this change.
    fn pays(&self, change: &Change) -> bool {
        self.charge_id == Some(change.id) && self.amount_krw == change.difference_krw
    }
}

#[cfg(test)]
mod tests;
