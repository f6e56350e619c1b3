//! The rows of one booking, and the differences between them.

mod changes;
mod claims;
mod kind;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(super) use changes::Change;
pub(super) use claims::Claim;
pub use kind::Kind;

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Booking {
    pub(super) id: Uuid,
    vehicle_id: Uuid,
    guest_id: Uuid,
    host_id: Uuid,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    /// Won of the first charge: the price without what changes have added.
    first_charge_krw: i64,
    /// Won that changes have taken off the price.
    lowered_krw: i64,
    status: String,
    payment_status: String,
    confirmed: bool,
    /// Won that the cancellation owes.
    refund_krw: Option<i64>,
    /// Won refunded so far of the first charge, as reported by payment.
    refunded_krw: i64,
    /// Whether its open change, charges and terms are those of its changes.
    changes_agree: bool,
    /// Whether the entries of pickup and return have the hashes they were made with.
    handover_intact: bool,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Occupancy {
    pub(super) ref_id: Uuid,
    vehicle_id: Uuid,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    /// Expiry of a hold; `None` for a booking.
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Payment {
    pub(super) booking_id: Uuid,
    /// The change or claim that is charged; `None` for the first charge.
    pub(super) charge_id: Option<Uuid>,
    guest_id: Uuid,
    host_id: Uuid,
    amount_krw: i64,
    refunded_krw: i64,
    pub(super) order_id: String,
    pub(super) provider_key: Option<String>,
    /// Whether the provider was ever called.
    pub(super) attempted: bool,
    pub(super) captured: bool,
    /// Whether it failed for good.
    failed: bool,
    pub(super) updated_at: DateTime<Utc>,
    /// Balance of the ledger's provider account for this payment.
    ledger_krw: i64,
}

/// The review of the guest.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Review {
    pub(super) booking_id: Uuid,
    pub(super) id: Uuid,
    /// Whether it is posted and not hidden.
    is_shown: bool,
    /// Whether vehicle counts it.
    #[sqlx(default)]
    pub(super) is_counted: bool,
}

/// The rows of one booking.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) booking_id: Uuid,
    pub(super) booking: Option<Booking>,
    pub(super) occupancy: Option<Occupancy>,
    /// The first charge.
    pub(super) payment: Option<Payment>,
    /// Charges of changes and claims.
    pub(super) charges: Vec<Payment>,
    pub(super) changes: Vec<Change>,
    pub(super) claims: Vec<Claim>,
    /// Set if the id is that of a change, for which a car is held until it applies.
    pub(super) own_change: Option<Change>,
    pub(super) review: Option<Review>,
}

impl Booking {
    fn is_live(&self) -> bool {
        matches!(self.status.as_str(), "pending" | "approved" | "active")
    }

    fn is_confirmed(&self) -> bool {
        matches!(self.status.as_str(), "active" | "completed") || self.status == "approved" && self.confirmed
    }

    fn awaits_payment(&self) -> bool {
        self.status == "approved" && !self.confirmed
    }
}

impl Case {
    /// Returns the payments of all charges.
    pub(super) fn payments(&self) -> impl Iterator<Item = &Payment> {
        self.payment.iter().chain(&self.charges)
    }

    /// Returns the payments without those of claims.
    fn payments_of_price(&self) -> impl Iterator<Item = &Payment> {
        let is_claim = |payment: &Payment| {
            self.claims
                .iter()
                .any(|claim| payment.charge_id == Some(claim.id))
        };
        self.payments().filter(move |payment| !is_claim(payment))
    }

    /// Lists the differences between the rows at `now`.
    pub(super) fn compare(&self, now: DateTime<Utc>) -> Vec<Kind> {
        let calendar = self.compare_calendar(now).into_iter();
        let is_rated = self
            .review
            .as_ref()
            .is_none_or(|review| review.is_shown == review.is_counted);
        let rating = (!is_rated).then_some(Kind::RatingDiffers);
        let evidence = self.booking.as_ref().filter(|booking| !booking.handover_intact);
        let evidence = evidence.map(|_| Kind::HandoverChanged);
        calendar
            .chain(self.compare_money())
            .chain(changes::compare(self))
            .chain(claims::compare(self))
            .chain(rating)
            .chain(evidence)
            .collect()
    }

    fn compare_calendar(&self, now: DateTime<Utc>) -> Option<Kind> {
        let Some(occupancy) = &self.occupancy else {
            let is_live = self.booking.as_ref().is_some_and(Booking::is_live);
            return is_live.then_some(Kind::BookingWithoutOccupancy);
        };
        let Some(booking) = &self.booking else {
            // A hold precedes its booking.
            return match occupancy.expires_at {
                Some(expires_at) => (expires_at < now).then_some(Kind::HoldPastExpiry),
                None if self.own_change.as_ref().is_some_and(Change::is_open) => None,
                None => Some(Kind::OccupancyWithoutBooking),
            };
        };
        let is_within = booking.starts_at <= occupancy.starts_at && occupancy.ends_at <= booking.ends_at;
        let is_equal = (booking.starts_at, booking.ends_at) == (occupancy.starts_at, occupancy.ends_at);
        if booking.is_live() {
            let is_same = is_equal && booking.vehicle_id == occupancy.vehicle_id;
            return (!is_same).then_some(Kind::OccupancyDiffers);
        }
        // A completed rental keeps its car occupied until the return.
        let is_history = booking.status == "completed" && is_within;
        (!is_history).then_some(Kind::OccupancyWithoutBooking)
    }

    fn compare_money(&self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        let captured = self.payment.as_ref().is_some_and(|payment| payment.captured);
        let refunded_krw = self.payment.as_ref().map_or(0, |payment| payment.refunded_krw);
        if let Some(booking) = &self.booking {
            if booking.is_confirmed() && !captured {
                kinds.push(Kind::ConfirmedNotPaid);
            }
            if booking.awaits_payment() && self.payment.is_none() {
                kinds.push(Kind::PaymentMissing);
            }
            let failed = self.payment.as_ref().is_some_and(|payment| payment.failed);
            let contradicts = match booking.payment_status.as_str() {
                "paid" => !captured,
                "refunded" => !captured || refunded_krw == 0,
                _ => captured || failed && booking.awaits_payment(),
            };
            if contradicts {
                kinds.push(Kind::PaymentStatusDiffers);
            }
            if captured && booking.refunded_krw != refunded_krw {
                kinds.push(Kind::RefundTotalDiffers);
            }
            let all_refunded_krw: i64 = self.payments_of_price().map(|payment| payment.refunded_krw).sum();
            let owed_krw = match booking.status.as_str() {
                "cancelled" => booking.lowered_krw + booking.refund_krw.unwrap_or(0),
                _ => booking.lowered_krw,
            };
            if captured && all_refunded_krw < owed_krw {
                kinds.push(Kind::RefundMissing);
            }
        }
        kinds.extend(
            self.payment
                .iter()
                .filter_map(|payment| self.compare_terms(payment)),
        );
        if self.payments().any(|payment| !payment.is_posted()) {
            kinds.push(Kind::LedgerDiffers);
        }
        kinds
    }

    fn compare_terms(&self, payment: &Payment) -> Option<Kind> {
        let Some(booking) = &self.booking else {
            // Nothing is left to do once everything was refunded.
            return (!payment.is_settled()).then_some(Kind::PaymentWithoutBooking);
        };
        let agreed = (booking.guest_id, booking.host_id, booking.first_charge_krw);
        let differs = agreed != (payment.guest_id, payment.host_id, payment.amount_krw);
        differs.then_some(Kind::PaymentTermsDiffer)
    }
}

impl Payment {
    /// Returns whether it failed, or was refunded in full.
    fn is_settled(&self) -> bool {
        self.failed || self.captured && self.refunded_krw == self.amount_krw
    }

    /// Returns whether the ledger has what is captured and not refunded.
    fn is_posted(&self) -> bool {
        let captured_krw = if self.captured { self.amount_krw } else { 0 };
        self.ledger_krw == captured_krw - self.refunded_krw
    }

    /// Compares with the amounts that the provider has captured and refunded; `None` if it has captured nothing.
    pub(super) fn compare_with_provider(&self, provider: Option<(i64, i64)>) -> Option<Kind> {
        match (self.captured, provider) {
            (true, None) => Some(Kind::CaptureUnknownToProvider),
            (false, Some(_)) => Some(Kind::CaptureNotRecorded),
            (true, Some(amounts)) if amounts != (self.amount_krw, self.refunded_krw) => {
                Some(Kind::ProviderAmountDiffers)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
