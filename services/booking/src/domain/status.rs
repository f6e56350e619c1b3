//! Where a booking and its money stand, with the words the contract and the database use.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The value behind a word.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words!(
    /// Where a booking stands.
    Status {
        /// Requested; the host has not answered.
        Pending = "pending",
        /// The host said yes. Paid, it is confirmed.
        Approved = "approved",
        /// The host said no. Final.
        Rejected = "rejected",
        /// The guest has the car.
        Active = "active",
        /// The car is back. Final.
        Completed = "completed",
        Cancelled = "cancelled",
    }
);

words!(
    /// Where the money of a booking stands. It only ever moves towards the end of this list, which is what makes late
    /// and doubled events of the payment service harmless.
    PaymentStatus {
        /// Nothing is owed yet.
        None = "none",
        /// The charge is under way, or the guest was asked to pay.
        Pending = "pending",
        Failed = "failed",
        Paid = "paid",
        /// Given back as far as it is owed.
        Refunded = "refunded",
    }
);

words!(
    /// Why a booking was cancelled.
    CancellationReason {
        Guest = "guest",
        /// By the host, after approving.
        Host = "host",
        /// The host did not answer in time.
        Expired = "expired",
        /// The charge was declined.
        PaymentFailed = "payment_failed",
        /// The guest did not pay in time.
        PaymentOverdue = "payment_overdue",
        /// The car went to somebody else before the booking was recorded.
        HoldLost = "hold_lost",
    }
);
