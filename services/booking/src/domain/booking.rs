//! A booking and every transition it can make.
//!
//! Two tables decide everything, and both are exhaustive: a new stage, question or piece of news does not compile until
//! it is decided against all the others.
//!
//! - [`answer`]: what somebody **asks for** is granted or refused, and a refusal names both states.
//! - [`meaning`]: **news** (an event of another service, a time that passed) is never refused. It may be late, doubled
//!   or out of order; then it means nothing, or only moves the record of the money forward.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::commands::{Change, Command, Event, ExternalEvent, Party, Reaction, Refusal, State};
use super::{
    BookingId, CancellationPolicy, CancellationReason, PaymentStatus, Period, Price, Status, UserId,
    VehicleId,
};

/// A guest may take the car this long before the start.
pub const START_EARLY: TimeDelta = TimeDelta::minutes(30);

/// A rental of one car by one guest, with the terms agreed when it was booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    pub id: BookingId,
    /// How often it has changed; the store counts.
    pub version: i64,
    pub vehicle_id: VehicleId,
    pub guest_id: UserId,
    /// Who owns the car.
    pub host_id: UserId,
    pub period: Period,
    pub price: Price,
    /// What a cancellation gives back.
    pub policy: CancellationPolicy,
    /// The car as it was when booked. Opaque here: an encoded `carshare.vehicle.v1.Vehicle`.
    pub vehicle_snapshot: Vec<u8>,
    pub status: Status,
    /// Where its money stands.
    pub payment_status: PaymentStatus,
    /// What the guest wrote.
    pub guest_message: Option<String>,
    /// What the host answered.
    pub host_response: Option<String>,
    /// The host answers before then, or the booking expires.
    pub respond_by: DateTime<Utc>,
    /// The guest pays before then. Set on approval.
    pub payment_due_at: Option<DateTime<Utc>>,
    /// Approved and paid since then.
    pub confirmed_at: Option<DateTime<Utc>>,
    pub cancellation: Option<Cancellation>,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What happened when a booking was called off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    pub reason: CancellationReason,
    /// What the side that cancelled wrote.
    pub message: Option<String>,
    /// Won that go back. Zero while nothing is captured; a capture that comes to light later goes back whole.
    pub refund_krw: i64,
    pub cancelled_at: DateTime<Utc>,
}

/// What a new booking is made of.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id the car is held under.
    pub id: BookingId,
    pub vehicle_id: VehicleId,
    pub guest_id: UserId,
    /// Who owns the car.
    pub host_id: UserId,
    pub period: Period,
    pub price: Price,
    /// The car as it is now, encoded.
    pub vehicle_snapshot: Vec<u8>,
    /// A word to the host.
    pub guest_message: Option<String>,
    /// How long the host has to answer.
    pub respond_within: Duration,
}

/// The status an ask brings a booking to, or why not.
pub fn transition(ask: Command, stage: State) -> Result<Status, Refusal> {
    use Party::{Guest, Host};
    use State::{Active, AwaitingPayment, Cancelled, Completed, Confirmed, Pending, Rejected};
    match (ask, stage) {
        (Command::Approve, Pending) => Ok(Status::Approved),
        (Command::Reject, Pending) => Ok(Status::Rejected),
        // A host does not cancel what he has not approved: he rejects it.
        (Command::Cancel(Guest), Pending) | (Command::Cancel(Guest | Host), AwaitingPayment | Confirmed) => {
            Ok(Status::Cancelled)
        }
        (Command::Start, Confirmed) => Ok(Status::Active),
        (Command::Start, AwaitingPayment) => Err(Refusal::NotPaid),
        (Command::Complete, Active) => Ok(Status::Completed),
        (
            Command::Approve | Command::Reject,
            AwaitingPayment | Confirmed | Rejected | Active | Completed | Cancelled,
        )
        | (Command::Cancel(Host), Pending)
        | (Command::Cancel(Guest | Host), Rejected | Active | Completed | Cancelled)
        | (Command::Start, Pending | Rejected | Active | Completed | Cancelled)
        | (Command::Complete, Pending | AwaitingPayment | Confirmed | Rejected | Completed | Cancelled) => {
            Err(Refusal::WrongState {
                from: stage.status(),
                to: ask.target(),
            })
        }
    }
}

/// What news means at a stage.
pub fn reaction(news: ExternalEvent, stage: State) -> Reaction {
    use CancellationReason::{Expired, HoldLost, PaymentFailed, PaymentOverdue};
    use State::{Active, AwaitingPayment, Cancelled, Completed, Confirmed, Pending, Rejected};
    match (news, stage) {
        (ExternalEvent::Unanswered, Pending) => Reaction::Cancel(Expired),
        (ExternalEvent::Unpaid, AwaitingPayment) => Reaction::Cancel(PaymentOverdue),
        (ExternalEvent::Captured, AwaitingPayment) => Reaction::Confirm,
        // Money that is gone without our asking cannot carry a booking any more.
        (ExternalEvent::Declined, AwaitingPayment) | (ExternalEvent::Refunded, AwaitingPayment | Confirmed) => Reaction::Cancel(PaymentFailed),
        (ExternalEvent::HoldLost, Pending | AwaitingPayment | Confirmed) => Reaction::Cancel(HoldLost),
        (ExternalEvent::Captured | ExternalEvent::Declined, Confirmed)
        | (ExternalEvent::Captured | ExternalEvent::Declined | ExternalEvent::Refunded, Active | Completed | Cancelled) => Reaction::Settle,
        // Nothing is charged before an approval, so there is no such news of a booking that never had one.
        (ExternalEvent::Captured | ExternalEvent::Declined | ExternalEvent::Refunded, Pending | Rejected)
        | (ExternalEvent::Unanswered, AwaitingPayment | Confirmed | Rejected | Active | Completed | Cancelled)
        | (ExternalEvent::Unpaid, Pending | Confirmed | Rejected | Active | Completed | Cancelled)
        // The guest has or had the car: whoever lost it, it was not this booking.
        | (ExternalEvent::HoldLost, Rejected | Active | Completed | Cancelled) => Reaction::Ignore,
    }
}

impl Booking {
    /// A guest asks for a car that is held for him. The host answers within the time given, and before the start.
    pub fn request(request: Request, now: DateTime<Utc>) -> (Self, Change) {
        let booking = Self {
            id: request.id,
            version: 1,
            vehicle_id: request.vehicle_id,
            guest_id: request.guest_id,
            host_id: request.host_id,
            respond_by: (now + request.respond_within).min(request.period.start()),
            period: request.period,
            price: request.price,
            policy: CancellationPolicy::STANDARD,
            vehicle_snapshot: request.vehicle_snapshot,
            status: Status::Pending,
            payment_status: PaymentStatus::None,
            guest_message: request.guest_message,
            host_response: None,
            payment_due_at: None,
            confirmed_at: None,
            cancellation: None,
            created_at: now,
            updated_at: now,
        };
        (
            booking,
            Change {
                from: None,
                event: Some(Event::Requested),
            },
        )
    }

    /// The host says yes: from now on the guest owes the money, until a while from now and before the start.
    ///
    /// Too late an answer finds the booking cancelled, whether or not the timer has written that down yet.
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
        let change = self.grant(Command::Approve, Event::Approved, now)?;
        self.host_response = host_response;
        self.payment_status = PaymentStatus::Pending;
        self.payment_due_at = Some((now + pay_within).min(self.period.start()));
        Ok(change)
    }

    /// The host says no.
    pub fn reject(&mut self, host_response: Option<String>, now: DateTime<Utc>) -> Result<Change, Refusal> {
        let change = self.grant(Command::Reject, Event::Rejected, now)?;
        self.host_response = host_response;
        Ok(change)
    }

    /// A side calls it off. A host gives everything back, a guest gets what the policy leaves him.
    pub fn cancel(
        &mut self,
        by: Party,
        message: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Change, Refusal> {
        let change = self.grant(Command::Cancel(by), Event::Cancelled, now)?;
        let (reason, refund_krw) = match by {
            Party::Guest => {
                let before_start = self.period.start() - now;
                (
                    CancellationReason::Guest,
                    self.policy.refund_krw(self.captured_krw(), before_start),
                )
            }
            Party::Host => (CancellationReason::Host, self.captured_krw()),
        };
        self.cancellation = Some(Cancellation {
            reason,
            message,
            refund_krw,
            cancelled_at: now,
        });
        Ok(change)
    }

    /// The guest takes the car.
    pub fn start(&mut self, now: DateTime<Utc>) -> Result<Change, Refusal> {
        if self.state() == State::Confirmed && now < self.period.start() - START_EARLY {
            return Err(Refusal::TooEarly);
        }
        self.grant(Command::Start, Event::Started, now)
    }

    /// The car is back.
    pub fn complete(&mut self, now: DateTime<Utc>) -> Result<Change, Refusal> {
        self.grant(Command::Complete, Event::Completed, now)
    }

    /// The time to answer has passed.
    pub fn expire(&mut self, now: DateTime<Utc>) -> Option<Change> {
        if self.respond_by <= now {
            self.apply(ExternalEvent::Unanswered, now)
        } else {
            None
        }
    }

    /// The time to pay has passed.
    pub fn miss_payment(&mut self, now: DateTime<Utc>) -> Option<Change> {
        if self.payment_due_at? <= now {
            self.apply(ExternalEvent::Unpaid, now)
        } else {
            None
        }
    }

    /// Something became known. `None` when it changes nothing.
    pub fn apply(&mut self, news: ExternalEvent, now: DateTime<Utc>) -> Option<Change> {
        let from = self.status;
        let meaning = reaction(news, self.state());
        let settled = meaning != Reaction::Ignore && self.settle(news);
        let event = match meaning {
            Reaction::Confirm => Some(self.confirm(now)),
            Reaction::Cancel(reason) => Some(self.call_off(reason, now)),
            Reaction::Settle if settled => None,
            Reaction::Settle | Reaction::Ignore => return None,
        };
        self.updated_at = now;
        Some(Change {
            from: Some(from),
            event,
        })
    }

    /// Where it stands, for the tables.
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

    /// The side that a user is on, if any.
    pub fn party(&self, user: UserId) -> Option<Party> {
        match user {
            user if user == self.guest_id => Some(Party::Guest),
            user if user == self.host_id => Some(Party::Host),
            _ => None,
        }
    }

    fn grant(&mut self, ask: Command, event: Event, now: DateTime<Utc>) -> Result<Change, Refusal> {
        let from = self.status;
        self.status = transition(ask, self.state())?;
        self.updated_at = now;
        Ok(Change {
            from: Some(from),
            event: Some(event),
        })
    }

    fn confirm(&mut self, now: DateTime<Utc>) -> Event {
        self.confirmed_at = Some(now);
        Event::Confirmed
    }

    /// Cancelled by neither side: whatever was captured is refunded in full.
    fn call_off(&mut self, reason: CancellationReason, now: DateTime<Utc>) -> Event {
        let refund_krw = self.captured_krw();
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

    /// Moves the record of the money to where the news says it is, unless it is there or further. Says whether it moved.
    fn settle(&mut self, news: ExternalEvent) -> bool {
        let reached = match news {
            ExternalEvent::Captured => PaymentStatus::Paid,
            ExternalEvent::Declined => PaymentStatus::Failed,
            ExternalEvent::Refunded => PaymentStatus::Refunded,
            ExternalEvent::Unanswered | ExternalEvent::Unpaid | ExternalEvent::HoldLost => return false,
        };
        if reached <= self.payment_status {
            return false;
        }
        self.payment_status = reached;
        // Captured behind the back of a cancellation: the payment service gives it back whole.
        if let Some(cancellation) = self
            .cancellation
            .as_mut()
            .filter(|_| reached == PaymentStatus::Paid)
        {
            cancellation.refund_krw = self.price.total_krw;
        }
        true
    }

    fn captured_krw(&self) -> i64 {
        if self.payment_status == PaymentStatus::Paid {
            self.price.total_krw
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests;
