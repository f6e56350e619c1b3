//! Every transition of a claim, as an exhaustive table: a new status or step does not compile before its outcome is decided.

#[cfg(test)]
mod tests;

/// Status of a claim, spelled as in the contract and the database.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum ClaimStatus {
    /// Filed; the guest can accept it or object to it.
    Open,
    /// The guest objects: an admin decides.
    Objected,
    /// Approved: the guest is charged.
    AwaitingPayment,
    /// Charged. Final.
    Paid,
    /// Declined, or not paid by `payment_due_at`. Final.
    PaymentFailed,
    /// By the host. Final.
    Withdrawn,
    /// By an admin. Final.
    Rejected,
}

/// A step of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum Step {
    /// The guest accepts it, or has not objected by `object_by`.
    Accept,
    /// The guest objects.
    Object,
    /// An admin approves it.
    Approve,
    /// An admin rejects it.
    Reject,
    /// The host takes it back.
    Withdraw,
    /// The charge is captured.
    Capture,
    /// The charge was declined, or `payment_due_at` has passed.
    FailPayment,
}

/// Returns the status after a step; `None` if the status does not allow it.
pub fn step(step: Step, status: ClaimStatus) -> Option<ClaimStatus> {
    use ClaimStatus::{AwaitingPayment, Objected, Open, Paid, PaymentFailed, Rejected, Withdrawn};
    match (step, status) {
        (Step::Accept, Open) | (Step::Approve, Objected) => Some(AwaitingPayment),
        (Step::Object, Open) => Some(Objected),
        (Step::Reject, Objected) => Some(Rejected),
        (Step::Withdraw, Open | Objected) => Some(Withdrawn),
        (Step::Capture, AwaitingPayment) => Some(Paid),
        (Step::FailPayment, AwaitingPayment) => Some(PaymentFailed),
        // An admin decides only after an objection, and the guest only before.
        (Step::Approve | Step::Reject, Open)
        | (Step::Accept | Step::Object, Objected)
        // Nothing is charged before it is approved.
        | (Step::Capture | Step::FailPayment, Open | Objected)
        | (Step::Accept | Step::Object | Step::Approve | Step::Reject | Step::Withdraw, AwaitingPayment)
        | (
            Step::Accept
            | Step::Object
            | Step::Approve
            | Step::Reject
            | Step::Withdraw
            | Step::Capture
            | Step::FailPayment,
            Paid | PaymentFailed | Withdrawn | Rejected,
        ) => None,
    }
}

impl ClaimStatus {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
