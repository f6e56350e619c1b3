//! Typed ids.

use carshare_chassis::typed_ids;

typed_ids! {
    /// The payment of a booking.
    PaymentId
    /// A booking, of the booking service.
    BookingId
    /// A change of a booking that is charged, of the booking service.
    ChargeId
    /// The user who pays, of the auth service.
    GuestId
    /// The user who earns, of the auth service.
    HostId
    /// A registered card.
    PaymentMethodId
    /// A refund of (a part of) a payment.
    RefundId
    /// A settlement of a host.
    SettlementId
    /// An operator of the platform, of the auth service.
    AdminId
}

impl PaymentId {
    /// Returns the order id at the provider: unique, 6 to 64 characters of `A-Z a-z 0-9 - _`.
    pub fn order_id(&self) -> String {
        format!("pay_{}", self.0.simple())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn order_ids_have_the_providers_format() {
        let order_id = PaymentId(Uuid::nil()).order_id();
        assert_eq!(order_id, "pay_00000000000000000000000000000000");
        assert!((6..=64).contains(&order_id.len()));
    }
}
