//! What can differ between the services.

/// Kinds of differences. docs/OPERATING.md gives the meaning and the repair of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// A car is occupied for a booking that does not exist or has ended.
    OccupancyWithoutBooking,
    /// A pending, approved or active booking occupies no car.
    BookingWithoutOccupancy,
    /// The occupancy has another car or period than the booking.
    OccupancyDiffers,
    /// A hold still occupies its car after it expired.
    HoldPastExpiry,
    /// A confirmed booking has no captured payment.
    ConfirmedNotPaid,
    /// A payment belongs to no booking.
    PaymentWithoutBooking,
    /// An approved, unpaid booking has no payment.
    PaymentMissing,
    /// The payment has another guest, host or amount than the booking.
    PaymentTermsDiffer,
    /// The booking's payment status contradicts the payment.
    PaymentStatusDiffers,
    /// Less was refunded than the cancelled booking owes.
    RefundMissing,
    /// The total of refunds of the booking, or of a claim after it, is not the payment's.
    RefundTotalDiffers,
    /// The ledger's balance is not the captured amount less refunds.
    LedgerDiffers,
    /// The provider has captured a payment that is not recorded.
    CaptureNotRecorded,
    /// The provider does not know a recorded capture.
    CaptureUnknownToProvider,
    /// The provider has captured or refunded another amount.
    ProviderAmountDiffers,
    /// A guest's review is shown and not counted in the rating of the car, or counted and not shown.
    RatingDiffers,
    /// A change that costs more has applied, and its charge is not captured.
    ChangeNotPaid,
    /// A claim counts as paid, and its charge is not captured.
    ClaimNotPaid,
    /// The charge of a change that does not apply, or of a claim that is not owed, is captured and not refunded.
    UnexpectedCharge,
    /// The open change, the charges or the terms of a booking are not those of its changes.
    ChangesDiffer,
    /// The evidence of pickup and return was changed: an entry is missing, or has another hash than its own or that of the entry before it.
    HandoverChanged,
}

impl Kind {
    /// Returns the name in output, metrics and documentation.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
