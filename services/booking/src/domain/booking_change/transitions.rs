//! Every transition of a change of a booking, as an exhaustive table: a new status or step does not compile before its outcome is decided.

#[cfg(test)]
mod tests;

/// Status of a change, spelled as in the contract and the database.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum ChangeStatus {
    /// The other side has not answered.
    Requested,
    /// Accepted; applies when the difference is captured.
    AwaitingPayment,
    /// The booking has changed. Final.
    Applied,
    /// By the other side. Final.
    Declined,
    /// By the side that asked for it. Final.
    Withdrawn,
    /// Not answered by `respond_by`. Final.
    Expired,
    /// The difference was declined, or not paid by `payment_due_at`. Final.
    PaymentFailed,
    /// The booking ended first, or the car was lost. Final.
    Cancelled,
}

/// A step of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum Step {
    /// The other side accepts, and the guest pays nothing more.
    Accept,
    /// The other side accepts, and the guest is charged.
    AcceptCharged,
    /// The other side does not agree.
    Decline,
    /// The side that asked for it takes it back.
    Withdraw,
    /// `respond_by` has passed.
    Expire,
    /// The difference is captured.
    Capture,
    /// The difference was declined, or `payment_due_at` has passed.
    FailPayment,
    /// The booking ends, or the car is lost.
    Cancel,
}

/// Returns the status after a step; `None` if the status does not allow it.
pub fn step(step: Step, status: ChangeStatus) -> Option<ChangeStatus> {
    use ChangeStatus::{
        Applied, AwaitingPayment, Cancelled, Declined, Expired, PaymentFailed, Requested, Withdrawn,
    };
    match (step, status) {
        (Step::Accept, Requested) | (Step::Capture, AwaitingPayment) => Some(Applied),
        (Step::AcceptCharged, Requested) => Some(AwaitingPayment),
        (Step::Decline, Requested) => Some(Declined),
        (Step::Withdraw, Requested) => Some(Withdrawn),
        (Step::Expire, Requested) => Some(Expired),
        (Step::FailPayment, AwaitingPayment) => Some(PaymentFailed),
        (Step::Cancel, Requested | AwaitingPayment) => Some(Cancelled),
        (
            Step::Accept | Step::AcceptCharged | Step::Decline | Step::Withdraw | Step::Expire,
            AwaitingPayment,
        )
        // Nothing is charged before it is accepted.
        | (Step::Capture | Step::FailPayment, Requested)
        | (
            Step::Accept
            | Step::AcceptCharged
            | Step::Decline
            | Step::Withdraw
            | Step::Expire
            | Step::Capture
            | Step::FailPayment
            | Step::Cancel,
            Applied | Declined | Withdrawn | Expired | PaymentFailed | Cancelled,
        ) => None,
    }
}

impl ChangeStatus {
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether it waits for an answer or a payment.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::AwaitingPayment)
    }
}
