//! What was charged for a booking, and how refunds are spread over the charges.
//!
//! The first charge has the id of the booking, further ones those of the changes that raised the price. Refunds are totals by charge, oldest
//! charge first: a repeated or late one changes nothing, and none ever decreases.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Booking;
use crate::domain::{BookingChange, ChangeId, PaymentStatus};

/// What applied changes have charged and taken off. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charges {
    /// Charges after the first one, oldest first.
    pub further: Vec<FurtherCharge>,
    /// Won that changes have taken off the price.
    pub lowered_krw: i64,
}

/// A captured charge for a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FurtherCharge {
    /// Id of the change.
    pub id: Uuid,
    pub amount_krw: i64,
    /// Won refunded of it so far.
    pub refunded_krw: i64,
}

/// An amount of a charge, or the part of it that is to be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Id of the booking for the first charge, or of the change.
    pub charge: Uuid,
    pub amount_krw: i64,
}

impl Charges {
    /// Returns whether the price is all that was ever charged.
    pub fn is_empty(&self) -> bool {
        self.further.is_empty() && self.lowered_krw == 0
    }

    /// Adds what a change charges or takes off.
    pub(super) fn add(&mut self, change: &BookingChange) {
        if change.difference_krw > 0 {
            self.further.push(FurtherCharge {
                id: change.id.0,
                amount_krw: change.difference_krw,
                refunded_krw: 0,
            });
        } else {
            self.lowered_krw -= change.difference_krw;
        }
    }

    /// Records the total refunded so far of the charge for a change. Returns whether it is more than before.
    pub(super) fn record_refund(&mut self, change: ChangeId, refunded_krw: i64) -> bool {
        let charge = self.further.iter_mut().find(|charge| charge.id == change.0);
        let Some(charge) = charge.filter(|charge| charge.refunded_krw < refunded_krw) else {
            return false;
        };
        charge.refunded_krw = refunded_krw;
        true
    }

    pub(super) fn refunded_krw(&self) -> i64 {
        self.further.iter().map(|charge| charge.refunded_krw).sum()
    }
}

impl Booking {
    /// Returns the charges of the booking, oldest first. They sum to the price and what changes have taken off it.
    pub fn charged(&self) -> Vec<Share> {
        let further = &self.charges.further;
        let further_krw: i64 = further.iter().map(|charge| charge.amount_krw).sum();
        let first = Share {
            charge: self.id.0,
            amount_krw: self.price.total_krw + self.charges.lowered_krw - further_krw,
        };
        let further = further.iter().map(|charge| Share {
            charge: charge.id,
            amount_krw: charge.amount_krw,
        });
        std::iter::once(first).chain(further).collect()
    }

    /// Returns what is to be refunded in total because of changes, by charge.
    pub fn refunds_of_changes(&self) -> Vec<Share> {
        let mut shares = self.spread(self.charges.lowered_krw);
        shares.retain(|share| share.amount_krw > 0);
        shares
    }

    /// Returns what is to be refunded in total of a cancelled booking, by charge, also of those of which nothing is. Empty unless a capture
    /// is known.
    pub fn refunds_of_cancellation(&self) -> Vec<Share> {
        match &self.cancellation {
            Some(cancellation) if self.payment_status == PaymentStatus::Paid => {
                self.spread(self.charges.lowered_krw + cancellation.refund_krw)
            }
            _ => Vec::new(),
        }
    }

    /// Spreads a total over the charges, oldest first.
    pub(super) fn spread(&self, total_krw: i64) -> Vec<Share> {
        let mut rest_krw = total_krw;
        let mut shares = self.charged();
        for share in &mut shares {
            share.amount_krw = share.amount_krw.min(rest_krw);
            rest_krw -= share.amount_krw;
        }
        shares
    }
}
