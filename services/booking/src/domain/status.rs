//! Status of a booking and of its payment, spelled as in the contract and the database.

/// Status of a booking.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Requested; the host has not answered.
    Pending,
    /// Accepted by the host. Confirmed once it is paid.
    Approved,
    /// Declined by the host. Final.
    Rejected,
    /// The guest has the car.
    Active,
    /// The car is back. Final.
    Completed,
    /// Final.
    Cancelled,
}

/// Status of a booking's payment. It moves only forward in this order, so a late or repeated event changes nothing.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum PaymentStatus {
    /// Nothing is owed.
    None,
    /// A charge is in progress, or the guest was asked to pay.
    Pending,
    Failed,
    Paid,
    /// Refunded as far as it is owed.
    Refunded,
}

/// Why a booking was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CancellationReason {
    Guest,
    /// By the host, after approving.
    Host,
    /// The host did not answer by `respond_by`.
    Expired,
    /// The charge was declined, or the money went back without a cancellation.
    PaymentFailed,
    /// The guest did not pay by `payment_due_at`.
    PaymentOverdue,
    /// The car was taken by another booking, or withdrawn.
    HoldLost,
    /// The guest did not take the car by the end of the period.
    NoShow,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl PaymentStatus {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl CancellationReason {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
