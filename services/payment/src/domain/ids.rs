//! Typed ids, so that a guest is never taken for a host nor a booking for its payment.

use std::fmt;

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// The money of one booking.
    PaymentId,
    /// A booking, of the booking service.
    BookingId,
    /// Who pays, of the auth service.
    GuestId,
    /// Who earns, of the auth service.
    HostId,
    /// A registered card.
    MethodId,
    /// Money on its way back.
    RefundId,
}

impl PaymentId {
    /// The order id at the provider: 6 to 64 of `A-Z a-z 0-9 - _`, unique for ever.
    pub fn order_id(&self) -> String {
        format!("pay_{}", self.0.simple())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_ids_fit_the_providers_rule() {
        let order_id = PaymentId(Uuid::nil()).order_id();
        assert_eq!(order_id, "pay_00000000000000000000000000000000");
        assert!((6..=64).contains(&order_id.len()));
    }
}
