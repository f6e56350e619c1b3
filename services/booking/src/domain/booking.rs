//! A booking and every transition it can make.
//!
//! Two tables decide everything, and both are exhaustive: a new stage, question or piece of news does not compile until
//! it is decided against all the others.
//!
//! - [`answer`]: what somebody **asks for** is granted or refused, and a refusal names both states.
//! - [`meaning`]: **news** (an event of another service, a time that passed) is never refused. It may be late, doubled
//!   or out of order; then it means nothing, or only moves the record of the money forward.

use chrono::{DateTime, TimeDelta, Utc};

use super::lifecycle::{Ask, Change, Event, Meaning, News, Party, Refusal, Stage};
use super::{
    BookingId, CancellationPolicy, CancellationReason, PaymentStatus, Period, Price, Status, UserId,
    VehicleId,
};

/// A guest may take the car this long before the start.
pub const START_EARLY: TimeDelta = TimeDelta::minutes(30);

/// A rental of one car by one guest, with the terms agreed when it was booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Its id.
    pub id: BookingId,
    /// How often it has changed; the store counts.
    pub version: i64,
    /// The car.
    pub vehicle_id: VehicleId,
    /// Who drives.
    pub guest_id: UserId,
    /// Who owns the car.
    pub host_id: UserId,
    /// When.
    pub period: Period,
    /// For how much.
    pub price: Price,
    /// What a cancellation gives back.
    pub policy: CancellationPolicy,
    /// The car as it was when booked. Opaque here: an encoded `carshare.vehicle.v1.Vehicle`.
    pub vehicle_snapshot: Vec<u8>,
    /// Where it stands.
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
    /// Set when cancelled.
    pub cancellation: Option<Cancellation>,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What happened when a booking was called off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// Why.
    pub reason: CancellationReason,
    /// What the side that cancelled wrote.
    pub message: Option<String>,
    /// Won that go back. Zero while nothing is captured; a capture that comes to light later goes back whole.
    pub refund_krw: i64,
    /// When.
    pub cancelled_at: DateTime<Utc>,
}

/// What a new booking is made of.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id the car is held under.
    pub id: BookingId,
    /// The car.
    pub vehicle_id: VehicleId,
    /// Who asks.
    pub guest_id: UserId,
    /// Who owns the car.
    pub host_id: UserId,
    /// When.
    pub period: Period,
    /// For how much.
    pub price: Price,
    /// The car as it is now, encoded.
    pub vehicle_snapshot: Vec<u8>,
    /// A word to the host.
    pub guest_message: Option<String>,
    /// How long the host has to answer.
    pub respond_within: TimeDelta,
}

/// The status an ask brings a booking to, or why not.
pub fn answer(ask: Ask, stage: Stage) -> Result<Status, Refusal> {
    use Party::{Guest, Host};
    use Stage::{Active, AwaitingPayment, Cancelled, Completed, Confirmed, Pending, Rejected};
    match (ask, stage) {
        (Ask::Approve, Pending) => Ok(Status::Approved),
        (Ask::Reject, Pending) => Ok(Status::Rejected),
        // A host does not cancel what he has not approved: he rejects it.
        (Ask::Cancel(Guest), Pending) | (Ask::Cancel(Guest | Host), AwaitingPayment | Confirmed) => {
            Ok(Status::Cancelled)
        }
        (Ask::Start, Confirmed) => Ok(Status::Active),
        (Ask::Start, AwaitingPayment) => Err(Refusal::NotPaid),
        (Ask::Complete, Active) => Ok(Status::Completed),
        (
            Ask::Approve | Ask::Reject,
            AwaitingPayment | Confirmed | Rejected | Active | Completed | Cancelled,
        )
        | (Ask::Cancel(Host), Pending)
        | (Ask::Cancel(Guest | Host), Rejected | Active | Completed | Cancelled)
        | (Ask::Start, Pending | Rejected | Active | Completed | Cancelled)
        | (Ask::Complete, Pending | AwaitingPayment | Confirmed | Rejected | Completed | Cancelled) => {
            Err(Refusal::WrongState {
                from: stage.status(),
                to: ask.target(),
            })
        }
    }
}

/// What news means at a stage.
pub fn meaning(news: News, stage: Stage) -> Meaning {
    use CancellationReason::{Expired, HoldLost, PaymentFailed, PaymentOverdue};
    use Stage::{Active, AwaitingPayment, Cancelled, Completed, Confirmed, Pending, Rejected};
    match (news, stage) {
        (News::Unanswered, Pending) => Meaning::Cancel(Expired),
        (News::Unpaid, AwaitingPayment) => Meaning::Cancel(PaymentOverdue),
        (News::Captured, AwaitingPayment) => Meaning::Confirm,
        // Money that is gone without our asking cannot carry a booking any more.
        (News::Declined, AwaitingPayment) | (News::GivenBack, AwaitingPayment | Confirmed) => Meaning::Cancel(PaymentFailed),
        (News::HoldLost, Pending | AwaitingPayment | Confirmed) => Meaning::Cancel(HoldLost),
        (News::Captured | News::Declined, Confirmed)
        | (News::Captured | News::Declined | News::GivenBack, Active | Completed | Cancelled) => Meaning::Settle,
        // Nothing is charged before an approval, so there is no such news of a booking that never had one.
        (News::Captured | News::Declined | News::GivenBack, Pending | Rejected)
        | (News::Unanswered, AwaitingPayment | Confirmed | Rejected | Active | Completed | Cancelled)
        | (News::Unpaid, Pending | Confirmed | Rejected | Active | Completed | Cancelled)
        // The guest has or had the car: whoever lost it, it was not this booking.
        | (News::HoldLost, Rejected | Active | Completed | Cancelled) => Meaning::Nothing,
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
        pay_within: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Change, Refusal> {
        if self.stage() == Stage::Pending && self.respond_by <= now {
            return Err(Refusal::WrongState {
                from: Status::Cancelled,
                to: Status::Approved,
            });
        }
        let change = self.grant(Ask::Approve, Event::Approved, now)?;
        self.host_response = host_response;
        self.payment_status = PaymentStatus::Pending;
        self.payment_due_at = Some((now + pay_within).min(self.period.start()));
        Ok(change)
    }

    /// The host says no.
    pub fn reject(&mut self, host_response: Option<String>, now: DateTime<Utc>) -> Result<Change, Refusal> {
        let change = self.grant(Ask::Reject, Event::Rejected, now)?;
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
        let change = self.grant(Ask::Cancel(by), Event::Cancelled, now)?;
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
        if self.stage() == Stage::Confirmed && now < self.period.start() - START_EARLY {
            return Err(Refusal::TooEarly);
        }
        self.grant(Ask::Start, Event::Started, now)
    }

    /// The car is back.
    pub fn complete(&mut self, now: DateTime<Utc>) -> Result<Change, Refusal> {
        self.grant(Ask::Complete, Event::Completed, now)
    }

    /// The time to answer has passed.
    pub fn expire(&mut self, now: DateTime<Utc>) -> Option<Change> {
        if self.respond_by <= now {
            self.hear(News::Unanswered, now)
        } else {
            None
        }
    }

    /// The time to pay has passed.
    pub fn miss_payment(&mut self, now: DateTime<Utc>) -> Option<Change> {
        if self.payment_due_at? <= now {
            self.hear(News::Unpaid, now)
        } else {
            None
        }
    }

    /// Something became known. `None` when it changes nothing.
    pub fn hear(&mut self, news: News, now: DateTime<Utc>) -> Option<Change> {
        let from = self.status;
        let meaning = meaning(news, self.stage());
        let settled = meaning != Meaning::Nothing && self.settle(news);
        let event = match meaning {
            Meaning::Confirm => Some(self.confirm(now)),
            Meaning::Cancel(reason) => Some(self.call_off(reason, now)),
            Meaning::Settle if settled => None,
            Meaning::Settle | Meaning::Nothing => return None,
        };
        self.updated_at = now;
        Some(Change {
            from: Some(from),
            event,
        })
    }

    /// Where it stands, for the tables.
    pub fn stage(&self) -> Stage {
        match self.status {
            Status::Pending => Stage::Pending,
            Status::Approved if self.payment_status == PaymentStatus::Paid => Stage::Confirmed,
            Status::Approved => Stage::AwaitingPayment,
            Status::Rejected => Stage::Rejected,
            Status::Active => Stage::Active,
            Status::Completed => Stage::Completed,
            Status::Cancelled => Stage::Cancelled,
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

    fn grant(&mut self, ask: Ask, event: Event, now: DateTime<Utc>) -> Result<Change, Refusal> {
        let from = self.status;
        self.status = answer(ask, self.stage())?;
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

    /// Called off by nobody's wish: whatever was captured goes back.
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
    fn settle(&mut self, news: News) -> bool {
        let reached = match news {
            News::Captured => PaymentStatus::Paid,
            News::Declined => PaymentStatus::Failed,
            News::GivenBack => PaymentStatus::Refunded,
            News::Unanswered | News::Unpaid | News::HoldLost => return false,
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
