//! What the steps of a change do to its booking.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Booking;
use crate::domain::booking_change::transitions::Step;
use crate::domain::booking_change::{ChangeKind, ChangeStatus, NewChange, Target};
use crate::domain::transitions::State;
use crate::domain::{BookingChange, ChangeRefusal, Party, Period, Price, Refusal, Status};

/// Length of a rental at least, as far as changes are concerned.
pub const MIN_LENGTH: TimeDelta = TimeDelta::hours(1);

/// Length of a rental at most.
pub const MAX_LENGTH: TimeDelta = TimeDelta::days(30);

/// The terms that a change leads to.
struct Terms {
    kind: ChangeKind,
    period: Period,
    price: Price,
}

impl Booking {
    /// Asks for a change of a paid booking. The other side has to answer within the given time, and while there is something to change.
    pub fn request_change(
        &mut self,
        new: NewChange,
        now: DateTime<Utc>,
    ) -> Result<BookingChange, ChangeRefusal> {
        let Terms { kind, period, price } = self.terms(&new, now)?;
        let last_answer = match kind {
            ChangeKind::Extension => self.period.end(),
            ChangeKind::Shortening => period.end(),
            ChangeKind::VehicleSwap => self.period.start(),
        };
        let (vehicle_id, vehicle_snapshot) = match new.target {
            Target::End(_) => (self.vehicle_id, None),
            Target::Vehicle { id, snapshot } => (id, Some(snapshot)),
        };
        self.open_change = Some(new.id);
        self.updated_at = now;
        Ok(BookingChange {
            id: new.id,
            booking_id: self.id,
            version: 1,
            kind,
            status: ChangeStatus::Requested,
            requested_by: new.requested_by,
            ends_at: period.end(),
            previous_ends_at: self.period.end(),
            vehicle_id,
            previous_vehicle_id: self.vehicle_id,
            difference_krw: price.total_krw - self.price.total_krw,
            price,
            message: new.message,
            response: None,
            respond_by: (now + new.respond_within).min(last_answer),
            payment_due_at: None,
            vehicle_snapshot,
            created_at: now,
            updated_at: now,
        })
    }

    /// Accepts a change for the other side. It applies at once, unless the guest is to be charged for it first, within the given time and
    /// before the rental ends.
    pub fn accept_change(
        &mut self,
        change: &mut BookingChange,
        by: Party,
        response: Option<String>,
        pay_within: Duration,
        now: DateTime<Utc>,
    ) -> Result<(), ChangeRefusal> {
        change.check_answer(by, now)?;
        self.check_changeable(change.kind, now)?;
        if change.difference_krw > 0 {
            change.take(Step::AcceptCharged, now)?;
            let last = change.ends_at.min(change.previous_ends_at);
            change.payment_due_at = Some((now + pay_within).min(last));
        } else {
            change.take(Step::Accept, now)?;
            self.apply_change(change);
        }
        change.response = response;
        self.updated_at = now;
        Ok(())
    }

    /// Applies an accepted change after the capture of its charge.
    pub fn apply_paid_change(
        &mut self,
        change: &mut BookingChange,
        now: DateTime<Utc>,
    ) -> Result<(), ChangeRefusal> {
        change.take(Step::Capture, now)?;
        self.apply_change(change);
        self.updated_at = now;
        Ok(())
    }

    /// Returns whether an accepted change can still apply: not to a booking that has ended, nor after a rental that never began.
    pub fn can_apply_change(&self, now: DateTime<Utc>) -> bool {
        match self.state() {
            State::Confirmed => now < self.period.end(),
            State::Active => true,
            State::Pending
            | State::AwaitingPayment
            | State::Rejected
            | State::Completed
            | State::Cancelled => false,
        }
    }

    /// Declines a change for the other side.
    pub fn decline_change(
        &mut self,
        change: &mut BookingChange,
        by: Party,
        response: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), ChangeRefusal> {
        change.check_answer(by, now)?;
        self.close_change(change, Step::Decline, now)?;
        change.response = response;
        Ok(())
    }

    /// Takes a change back for the side that asked for it.
    pub fn withdraw_change(
        &mut self,
        change: &mut BookingChange,
        by: Party,
        now: DateTime<Utc>,
    ) -> Result<(), ChangeRefusal> {
        change.check_requested(now)?;
        if by != change.requested_by {
            return Err(ChangeRefusal::NotYourChange);
        }
        self.close_change(change, Step::Withdraw, now)
    }

    /// Applies the deadline of an open change if it has passed, or the end of its booking, which an earlier release has left open. Returns
    /// whether it did.
    pub fn pass_change_deadline(&mut self, change: &mut BookingChange, now: DateTime<Utc>) -> bool {
        let is_unpaid = change.payment_due_at.is_some_and(|due| due <= now);
        let next = match change.status {
            ChangeStatus::Requested | ChangeStatus::AwaitingPayment if !self.state().is_live() => {
                Step::Cancel
            }
            ChangeStatus::Requested if change.respond_by <= now => Step::Expire,
            ChangeStatus::AwaitingPayment if is_unpaid => Step::FailPayment,
            _ => return false,
        };
        self.close_change(change, next, now).is_ok()
    }

    /// Closes a change without applying it.
    pub fn close_change(
        &mut self,
        change: &mut BookingChange,
        next: Step,
        now: DateTime<Utc>,
    ) -> Result<(), ChangeRefusal> {
        change.take(next, now)?;
        self.open_change = None;
        self.updated_at = now;
        Ok(())
    }

    /// Refuses a booking that is not paid or has ended, and another car for one that has begun.
    fn check_changeable(&self, kind: ChangeKind, now: DateTime<Utc>) -> Result<(), Refusal> {
        let (is_possible, last) = match kind {
            ChangeKind::Extension | ChangeKind::Shortening => (
                matches!(self.state(), State::Confirmed | State::Active),
                self.period.end(),
            ),
            ChangeKind::VehicleSwap => (self.state() == State::Confirmed, self.period.start()),
        };
        if !is_possible {
            return Err(Refusal::WrongState {
                from: self.status,
                to: Status::Approved,
            });
        }
        if last <= now {
            return Err(Refusal::TooLate);
        }
        Ok(())
    }

    fn terms(&self, new: &NewChange, now: DateTime<Utc>) -> Result<Terms, ChangeRefusal> {
        let kind = match &new.target {
            Target::End(end) if *end > self.period.end() => ChangeKind::Extension,
            Target::End(_) => ChangeKind::Shortening,
            Target::Vehicle { .. } => ChangeKind::VehicleSwap,
        };
        self.check_changeable(kind, now)?;
        if self.open_change.is_some() {
            return Err(ChangeRefusal::Open);
        }
        match &new.target {
            Target::End(end) => {
                let period = self.changed_period(*end, now)?;
                let price =
                    Price::quote(&period, &new.rates, self.price.coupon()).ok_or(ChangeRefusal::NoPrice)?;
                Ok(Terms { kind, period, price })
            }
            Target::Vehicle { id, .. } if *id == self.vehicle_id => Err(ChangeRefusal::WithoutEffect),
            Target::Vehicle { .. } => Ok(Terms {
                kind,
                period: self.period,
                price: self.price.clone(),
            }),
        }
    }

    fn changed_period(&self, end: DateTime<Utc>, now: DateTime<Utc>) -> Result<Period, ChangeRefusal> {
        let period = Period::new(self.period.start(), end).ok_or(ChangeRefusal::PeriodInvalid)?;
        if period == self.period {
            return Err(ChangeRefusal::WithoutEffect);
        }
        let length = period.end() - period.start();
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&length) || period.end() <= now {
            return Err(ChangeRefusal::PeriodInvalid);
        }
        Ok(period)
    }

    /// Replaces the terms by those of a change. The end is that of a valid period.
    fn apply_change(&mut self, change: &BookingChange) {
        if let Some(period) = Period::new(self.period.start(), change.ends_at) {
            self.period = period;
        }
        self.vehicle_id = change.vehicle_id;
        self.price = change.price.clone();
        if let Some(snapshot) = &change.vehicle_snapshot {
            self.vehicle_snapshot.clone_from(snapshot);
        }
        self.charges.add(change);
        self.open_change = None;
    }
}
