//! Deadlines and the events of other services, applied to a booking.

use chrono::{DateTime, Utc};

use super::{Booking, Cancellation, RETURN_GRACE};
use crate::domain::transitions::{Reaction, State, reaction};
use crate::domain::{CancellationReason, Change, ChangeId, Event, ExternalEvent, PaymentStatus, Status};

/// Reason of a completion that nobody reported.
const OVERDUE: &str = "overdue";

impl Booking {
    /// Applies the deadline of the current state if it has passed: expiry, missed payment, no-show, or overdue return.
    pub fn pass_deadline(&mut self, now: DateTime<Utc>) -> Option<Change> {
        let (deadline, event) = match self.state() {
            State::Pending => (self.respond_by, ExternalEvent::Unanswered),
            State::AwaitingPayment => (self.payment_due_at?, ExternalEvent::Unpaid),
            State::Confirmed => (self.period.end(), ExternalEvent::NotStarted),
            State::Active => (self.period.end() + RETURN_GRACE, ExternalEvent::Overdue),
            State::Rejected | State::Completed | State::Cancelled => return None,
        };
        if deadline <= now {
            self.apply(event, now)
        } else {
            None
        }
    }

    /// Applies a capture. One that becomes known after the period confirms nothing.
    pub fn apply_capture(&mut self, now: DateTime<Utc>) -> Option<Change> {
        if self.period.end() <= now {
            self.apply(ExternalEvent::CapturedTooLate, now)
        } else {
            self.apply(ExternalEvent::Captured, now)
        }
    }

    /// Applies the total refunded so far of the first charge, of which this much was captured. The booking counts as refunded when each
    /// charge is refunded as far as the cancellation and earlier changes owe it, or else everything; a smaller total is only recorded.
    pub fn apply_refund(
        &mut self,
        refunded_krw: i64,
        captured_krw: i64,
        now: DateTime<Utc>,
    ) -> Option<Change> {
        let event = self.refund_event(refunded_krw, captured_krw);
        let recorded = reaction(event, self.state()) != Reaction::Ignore && refunded_krw > self.refunded_krw;
        if recorded {
            self.refunded_krw = refunded_krw;
        }
        self.apply_recorded(event, recorded, now)
    }

    /// Applies the total refunded so far of the charge for a change, as [`Booking::apply_refund`] does for the first one. That of a change
    /// that has not applied is of no concern.
    pub fn apply_change_refund(
        &mut self,
        change: ChangeId,
        refunded_krw: i64,
        now: DateTime<Utc>,
    ) -> Option<Change> {
        let recorded = self.charges.record_refund(change, refunded_krw);
        let first_krw = self.charged().first().map_or(0, |first| first.amount_krw);
        let event = self.refund_event(self.refunded_krw, first_krw);
        recorded
            .then(|| self.apply_recorded(event, recorded, now))
            .flatten()
    }

    /// Returns whether all is refunded with these amounts of the first charge.
    fn refund_event(&self, refunded_krw: i64, captured_krw: i64) -> ExternalEvent {
        let owed = self
            .cancellation
            .as_ref()
            .filter(|cancellation| cancellation.refund_krw > 0);
        let further = &self.charges.further;
        let is_complete = if let Some(cancellation) = owed {
            let owed = self.spread(self.charges.lowered_krw + cancellation.refund_krw);
            let refunded = further.iter().map(|charge| charge.refunded_krw);
            let refunded = std::iter::once(refunded_krw).chain(refunded);
            owed.iter()
                .zip(refunded)
                .all(|(owed, refunded)| refunded >= owed.amount_krw)
        } else {
            let further_krw: i64 = further.iter().map(|charge| charge.amount_krw).sum();
            refunded_krw + self.charges.refunded_krw() >= captured_krw + further_krw
        };
        if is_complete {
            ExternalEvent::Refunded
        } else {
            ExternalEvent::PartlyRefunded
        }
    }

    /// Applies an event with which an amount may have been recorded, which is a change too.
    fn apply_recorded(&mut self, event: ExternalEvent, recorded: bool, now: DateTime<Utc>) -> Option<Change> {
        let change = self.apply(event, now);
        if change.is_some() || !recorded {
            return change;
        }
        self.updated_at = now;
        Some(Change {
            from: self.status,
            event: None,
            reason: None,
        })
    }

    /// Applies an external event. `None` when it changes nothing.
    pub fn apply(&mut self, event: ExternalEvent, now: DateTime<Utc>) -> Option<Change> {
        let from = self.status;
        let reaction = reaction(event, self.state());
        let settled = reaction != Reaction::Ignore && self.settle(event);
        let why = match reaction {
            Reaction::Cancel(reason) => Some(reason.as_str()),
            Reaction::Complete => Some(OVERDUE),
            Reaction::Confirm | Reaction::Settle | Reaction::Ignore => None,
        };
        let event = match reaction {
            Reaction::Confirm => {
                self.confirmed_at = Some(now);
                Some(Event::Confirmed)
            }
            Reaction::Cancel(reason) => Some(self.cancel_by_rule(reason, now)),
            Reaction::Complete => {
                self.status = Status::Completed;
                Some(Event::Completed)
            }
            Reaction::Settle if settled => None,
            Reaction::Settle | Reaction::Ignore => return None,
        };
        self.updated_at = now;
        Some(Change {
            from,
            event,
            reason: why,
        })
    }

    /// Cancels with a full refund, except for a no-show, to which the policy applies as to the guest's own cancellation.
    fn cancel_by_rule(&mut self, reason: CancellationReason, now: DateTime<Utc>) -> Event {
        let mut refund_krw = self.captured_krw();
        if reason == CancellationReason::NoShow {
            refund_krw = self.policy.refund_krw(refund_krw, self.period.start() - now);
        }
        self.status = Status::Cancelled;
        self.cancellation = Some(Cancellation {
            reason,
            message: None,
            refund_krw,
            cancelled_at: now,
        });
        if reason == CancellationReason::Expired {
            Event::Expired
        } else {
            Event::Cancelled
        }
    }

    /// Moves the payment status forward to what the event reports. Returns whether it moved.
    fn settle(&mut self, event: ExternalEvent) -> bool {
        let reported = match event {
            ExternalEvent::Captured | ExternalEvent::CapturedTooLate => PaymentStatus::Paid,
            ExternalEvent::Declined => PaymentStatus::Failed,
            ExternalEvent::Refunded => PaymentStatus::Refunded,
            ExternalEvent::Unanswered
            | ExternalEvent::Unpaid
            | ExternalEvent::NotStarted
            | ExternalEvent::Overdue
            | ExternalEvent::PartlyRefunded
            | ExternalEvent::HoldLost => return false,
        };
        if reported <= self.payment_status {
            return false;
        }
        self.payment_status = reported;
        // The payment service refunds in full what it captures for a booking that is cancelled.
        if let Some(cancellation) = &mut self.cancellation
            && reported == PaymentStatus::Paid
        {
            cancellation.refund_krw = self.price.total_krw;
        }
        true
    }
}
