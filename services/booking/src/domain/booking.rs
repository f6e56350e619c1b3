//! A booking, and what each transition of [`super::transitions`] writes into it.

mod cancellation_quote;
mod changes;
mod charges;
mod compensation;
mod erasure;
mod external_events;
mod redemption;
#[cfg(test)]
pub(in crate::domain) mod tests;

use std::time::Duration;

pub use cancellation_quote::CancellationQuote;
pub use changes::{MAX_LENGTH, MIN_LENGTH};
pub use charges::{Charges, FurtherCharge, Share};
use chrono::{DateTime, TimeDelta, Utc};

use super::transitions::{Command, State, transition};
use super::{
    BookingId, CancellationPolicy, CancellationReason, Change, ChangeId, Event, Party, PaymentStatus, Period,
    Price, Refusal, Status, UserId, VehicleId,
};

/// A rental can be started this long before its period.
pub const START_EARLY: TimeDelta = TimeDelta::minutes(30);

/// A rental that is not completed this long after its period is completed by a timer.
pub const RETURN_GRACE: TimeDelta = TimeDelta::hours(24);

/// A request expires this long before the start of its period at the latest, so that the guest can find another car.
const RESPOND_BEFORE_START: TimeDelta = TimeDelta::hours(1);

/// For a start that is near, the host has at least this long, but no longer than until the start.
const RESPOND_AT_LEAST: TimeDelta = TimeDelta::minutes(30);

/// Reason of an approval that the host gave in advance.
const INSTANT_BOOK: &str = "instant_book";

/// A rental of one car by one guest, with the terms agreed when it was booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    pub id: BookingId,
    /// Incremented by every update.
    pub version: i64,
    pub vehicle_id: VehicleId,
    pub guest_id: UserId,
    pub host_id: UserId,
    pub period: Period,
    pub price: Price,
    pub policy: CancellationPolicy,
    /// The car when it was booked: an encoded `carshare.vehicle.v1.Vehicle`.
    pub vehicle_snapshot: Vec<u8>,
    pub status: Status,
    pub payment_status: PaymentStatus,
    pub guest_message: Option<String>,
    pub host_response: Option<String>,
    /// The request expires when the host has not answered by then.
    pub respond_by: DateTime<Utc>,
    /// The booking is cancelled when it is not paid by then. Set on approval.
    pub payment_due_at: Option<DateTime<Utc>>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub cancellation: Option<Cancellation>,
    /// Won refunded so far of the first charge, whoever asked for it.
    pub refunded_krw: i64,
    /// What applied changes have charged and taken off.
    pub charges: Charges,
    /// The change that waits for an answer or a payment.
    pub open_change: Option<ChangeId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    pub reason: CancellationReason,
    /// Written by the side that cancelled.
    pub message: Option<String>,
    /// Refund in won. Zero while nothing is captured; a capture that becomes known later is refunded in full.
    pub refund_krw: i64,
    pub cancelled_at: DateTime<Utc>,
}

/// Input for a new booking.
#[derive(Clone, Debug)]
pub struct NewBooking {
    /// Id under which the car is held.
    pub id: BookingId,
    pub vehicle_id: VehicleId,
    pub guest_id: UserId,
    pub host_id: UserId,
    pub period: Period,
    pub price: Price,
    /// As quoted; `None` for the one at the time of the insertion.
    pub policy: Option<CancellationPolicy>,
    /// The car: an encoded `carshare.vehicle.v1.Vehicle`.
    pub vehicle_snapshot: Vec<u8>,
    pub guest_message: Option<String>,
    /// Time for the host to answer.
    pub respond_within: Duration,
}

impl Booking {
    /// Requests a car that is held. The host has to answer within the given time, and an hour before the start.
    pub fn request(new: NewBooking, now: DateTime<Utc>) -> Self {
        Self {
            id: new.id,
            version: 1,
            vehicle_id: new.vehicle_id,
            guest_id: new.guest_id,
            host_id: new.host_id,
            respond_by: respond_by(now, new.respond_within, new.period.start()),
            period: new.period,
            price: new.price,
            policy: new.policy.unwrap_or(CancellationPolicy::UNDECIDED),
            vehicle_snapshot: new.vehicle_snapshot,
            status: Status::Pending,
            payment_status: PaymentStatus::None,
            guest_message: new.guest_message,
            host_response: None,
            payment_due_at: None,
            confirmed_at: None,
            cancellation: None,
            refunded_krw: 0,
            charges: Charges::default(),
            open_change: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Accepts the request: the guest has to pay within the given time, and before the start.
    ///
    /// From `respond_by` on the booking counts as cancelled, whether or not the timer has run.
    pub fn approve(
        &mut self,
        host_response: Option<String>,
        pay_within: Duration,
        now: DateTime<Utc>,
    ) -> Result<Change, Refusal> {
        if self.state() == State::Pending && self.respond_by <= now {
            return Err(Refusal::WrongState {
                from: Status::Cancelled,
                to: Status::Approved,
            });
        }
        let change = self.execute(Command::Approve, Event::Approved, now)?;
        self.host_response = host_response;
        self.payment_status = PaymentStatus::Pending;
        self.payment_due_at = Some((now + pay_within).min(self.period.start()));
        Ok(change)
    }

    /// Approves a request for a car that its host offers without asking.
    pub fn approve_instantly(&mut self, pay_within: Duration, now: DateTime<Utc>) -> Result<Change, Refusal> {
        let change = self.approve(None, pay_within, now)?;
        Ok(Change {
            reason: Some(INSTANT_BOOK),
            ..change
        })
    }

    /// Declines the request.
    pub fn reject(&mut self, host_response: Option<String>, now: DateTime<Utc>) -> Result<Change, Refusal> {
        let change = self.execute(Command::Reject, Event::Rejected, now)?;
        self.host_response = host_response;
        Ok(change)
    }

    /// Cancels the booking before the end of its period. By the host everything is refunded, by the guest what the policy says.
    pub fn cancel(
        &mut self,
        by: Party,
        message: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Change, Refusal> {
        if self.state() == State::Confirmed && self.period.end() <= now {
            return Err(Refusal::TooLate);
        }
        let mut change = self.execute(Command::Cancel(by), Event::Cancelled, now)?;
        let captured_krw = self.captured_krw();
        let (reason, refund_krw) = match by {
            Party::Guest => {
                let refund_krw = self.policy.refund_krw(captured_krw, self.period.start() - now);
                (CancellationReason::Guest, refund_krw)
            }
            Party::Host => (CancellationReason::Host, captured_krw),
        };
        self.cancellation = Some(Cancellation {
            reason,
            message,
            refund_krw,
            cancelled_at: now,
        });
        change.reason = Some(reason.as_str());
        Ok(change)
    }

    /// Hands the car to the guest, before the end of the period.
    pub fn start(&mut self, now: DateTime<Utc>) -> Result<Change, Refusal> {
        if self.state() == State::Confirmed && now < self.period.start() - START_EARLY {
            return Err(Refusal::TooEarly);
        }
        if self.state() == State::Confirmed && self.period.end() <= now {
            return Err(Refusal::TooLate);
        }
        self.execute(Command::Start, Event::Started, now)
    }

    /// Ends the rental: the car is back.
    pub fn complete(&mut self, now: DateTime<Utc>) -> Result<Change, Refusal> {
        self.execute(Command::Complete, Event::Completed, now)
    }

    pub fn state(&self) -> State {
        match self.status {
            Status::Pending => State::Pending,
            Status::Approved if self.payment_status == PaymentStatus::Paid => State::Confirmed,
            Status::Approved => State::AwaitingPayment,
            Status::Rejected => State::Rejected,
            Status::Active => State::Active,
            Status::Completed => State::Completed,
            Status::Cancelled => State::Cancelled,
        }
    }

    /// Returns the side that a user is on; `None` for a third party.
    pub fn party(&self, user: UserId) -> Option<Party> {
        match user {
            user if user == self.guest_id => Some(Party::Guest),
            user if user == self.host_id => Some(Party::Host),
            _ => None,
        }
    }

    fn execute(&mut self, command: Command, event: Event, now: DateTime<Utc>) -> Result<Change, Refusal> {
        let from = self.status;
        self.status = transition(command, self.state())?;
        self.updated_at = now;
        Ok(Change {
            from,
            event: Some(event),
            reason: None,
        })
    }

    fn captured_krw(&self) -> i64 {
        if self.payment_status == PaymentStatus::Paid {
            self.price.total_krw
        } else {
            0
        }
    }
}

/// Returns until when the host has to answer a request.
fn respond_by(now: DateTime<Utc>, within: Duration, start: DateTime<Utc>) -> DateTime<Utc> {
    let before_start = start - RESPOND_BEFORE_START;
    let at_least = (now + RESPOND_AT_LEAST).min(start);
    (now + within).min(before_start.max(at_least))
}
