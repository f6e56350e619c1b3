//! The simulated booking service: changes of bookings.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;
use carshare_testkit::eventually;

use crate::booking::Booking;
use crate::harness::{GOOD_CARD, Harness, WAIT_TIMEOUT};
use crate::queries::Row;

/// A change of a booking that costs this much more, or less if negative.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    booking: Booking,
    facts: pb::BookingChangeFacts,
}

impl Harness {
    /// Creates a booking whose price is captured.
    pub async fn paid_booking(&self) -> Booking {
        let booking = self.approved(self.guest_with(GOOD_CARD).await).await;
        self.until(&booking, "completed").await;
        booking
    }

    pub fn change(&self, booking: &Booking, amount_difference: i64) -> Change {
        let id = self.environment.ids.next().to_string();
        let change = pb::BookingChange {
            id: id.clone(),
            booking_id: booking.id.clone(),
            amount_difference,
            payment_due_at: Some(timestamp(self.clock.now() + chrono::TimeDelta::hours(2))),
            ..Default::default()
        };
        let facts = pb::BookingChangeFacts {
            change: Some(change),
            ..Default::default()
        };
        Change {
            id,
            booking: booking.clone(),
            facts,
        }
    }

    /// Accepts a change of the booking that costs this much more.
    pub async fn accepted_change(&self, booking: &Booking, amount_krw: i64) -> Change {
        let change = self.change(booking, amount_krw);
        self.publish(change.accepted()).await;
        change
    }

    /// Waits until the payment of a change is in this state, and advances the clock meanwhile.
    pub async fn until_charge(&self, change: &Change, state: &str) -> Row {
        self.until_charge_of(&change.id, state).await
    }

    /// The same for the charge with this id.
    pub async fn until_charge_of(&self, id: &str, state: &str) -> Row {
        eventually(WAIT_TIMEOUT, || async {
            let row = self.charge_row(id).await.filter(|row| row.state == state);
            if row.is_none() {
                self.clock.advance(std::time::Duration::from_secs(1));
            }
            row
        })
        .await
    }
}

impl Change {
    pub fn accepted(&self) -> pb::BookingChangeAccepted {
        pb::BookingChangeAccepted {
            booking_id: self.booking.id.clone(),
            booking: Some(self.booking.facts.clone()),
            change: Some(self.facts.clone()),
        }
    }

    /// `refunds` are ids of charges and totals.
    pub fn applied(&self, refunds: &[(&str, i64)]) -> pb::BookingChangeApplied {
        pb::BookingChangeApplied {
            booking_id: self.booking.id.clone(),
            booking: Some(self.booking.facts.clone()),
            change: Some(self.facts.clone()),
            refunds: charge_refunds(refunds),
        }
    }

    pub fn closed(&self) -> pb::BookingChangeClosed {
        pb::BookingChangeClosed {
            booking_id: self.booking.id.clone(),
            booking: Some(self.booking.facts.clone()),
            change: Some(self.facts.clone()),
        }
    }
}

/// Returns the refunds of charges, from their ids and totals.
pub fn charge_refunds(refunds: &[(&str, i64)]) -> Vec<pb::ChargeRefund> {
    let refund = |(id, total): &(&str, i64)| pb::ChargeRefund {
        charge_id: (*id).to_owned(),
        refund_amount: *total,
    };
    refunds.iter().map(refund).collect()
}
