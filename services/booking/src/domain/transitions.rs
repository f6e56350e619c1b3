//! Every transition of a booking, as two exhaustive tables: a new state, command or event does not compile before its
//! outcome in every state is decided.
//!
//! - [`transition`]: a **command** of a guest or host is executed or refused; a refusal names both states.
//! - [`reaction`]: an **external event** (of another service, or a deadline that passed) is never refused. It may be late,
//!   repeated or out of order; then it is ignored, or only moves the payment status forward.

#[cfg(test)]
mod tests;

use super::{CancellationReason, Status};

/// One of the two sides of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Party {
    Guest,
    /// The owner of the car.
    Host,
}

impl Party {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The status, with approved bookings divided by whether they are paid: a column of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum State {
    Pending,
    /// Approved and not paid.
    AwaitingPayment,
    /// Approved and paid.
    Confirmed,
    Rejected,
    Active,
    Completed,
    Cancelled,
}

/// A command of the guest or the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The host accepts the request.
    Approve,
    /// The host declines the request.
    Reject,
    Cancel(Party),
    /// The guest takes the car.
    Start,
    /// The car is back.
    Complete,
}

/// An event of another service, or a deadline that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum ExternalEvent {
    /// The host did not answer in time.
    Unanswered,
    /// The guest did not pay in time.
    Unpaid,
    /// The guest did not take the car by the end of the period.
    NotStarted,
    /// The car was not reported back in time.
    Overdue,
    /// The money is captured.
    Captured,
    /// The money is captured, which became known after the period.
    CapturedTooLate,
    /// The charge was declined for good.
    Declined,
    /// Everything that is owed, or all that was captured, was refunded.
    Refunded,
    /// A part of that was refunded.
    PartlyRefunded,
    /// The car is not available any more.
    HoldLost,
}

/// The reaction of a booking to an external event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    Confirm,
    Cancel(CancellationReason),
    Complete,
    /// Moves the payment status forward, never back; nothing else changes.
    Settle,
    /// Late, repeated or impossible.
    Ignore,
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    WrongState {
        from: Status,
        /// The status that the command leads to.
        to: Status,
    },
    NotPaid,
    /// Earlier than [`START_EARLY`](super::booking::START_EARLY) before the start.
    TooEarly,
    /// The period is over.
    TooLate,
}

/// Returns the status that a command leads to.
pub fn transition(command: Command, state: State) -> Result<Status, Refusal> {
    use Party::{Guest, Host};
    use State::{Active, AwaitingPayment, Cancelled, Completed, Confirmed, Pending, Rejected};
    match (command, state) {
        (Command::Approve, Pending) => Ok(Status::Approved),
        (Command::Reject, Pending) => Ok(Status::Rejected),
        // Before an approval a host rejects instead.
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
                from: state.status(),
                to: command.target(),
            })
        }
    }
}

/// Returns the reaction to an external event.
pub fn reaction(event: ExternalEvent, state: State) -> Reaction {
    use CancellationReason::{Expired, HoldLost, NoShow, PaymentFailed, PaymentOverdue};
    use ExternalEvent as Event;
    use State::{Active, AwaitingPayment, Cancelled, Completed, Confirmed, Pending, Rejected};
    match (event, state) {
        (Event::Unanswered, Pending) => Reaction::Cancel(Expired),
        // A guest who paid too late, as far as known here, could not take the car.
        (Event::Unpaid | Event::CapturedTooLate, AwaitingPayment) => Reaction::Cancel(PaymentOverdue),
        (Event::NotStarted, Confirmed) => Reaction::Cancel(NoShow),
        (Event::Overdue, Active) => Reaction::Complete,
        (Event::Captured, AwaitingPayment) => Reaction::Confirm,
        // A booking whose money is gone cannot take place.
        (Event::Declined, AwaitingPayment) | (Event::Refunded, AwaitingPayment | Confirmed) => {
            Reaction::Cancel(PaymentFailed)
        }
        (Event::HoldLost, Pending | AwaitingPayment | Confirmed) => Reaction::Cancel(HoldLost),
        (Event::PartlyRefunded, AwaitingPayment | Confirmed | Active | Completed | Cancelled)
        | (Event::Captured | Event::CapturedTooLate | Event::Declined, Confirmed)
        | (
            Event::Captured | Event::CapturedTooLate | Event::Declined | Event::Refunded,
            Active | Completed | Cancelled,
        ) => Reaction::Settle,
        // Nothing is charged before an approval.
        (
            Event::Captured
            | Event::CapturedTooLate
            | Event::Declined
            | Event::Refunded
            | Event::PartlyRefunded,
            Pending | Rejected,
        )
        | (Event::Unanswered, AwaitingPayment | Confirmed | Rejected | Active | Completed | Cancelled)
        | (Event::Unpaid, Pending | Confirmed | Rejected | Active | Completed | Cancelled)
        | (Event::NotStarted, Pending | AwaitingPayment | Rejected | Active | Completed | Cancelled)
        | (Event::Overdue, Pending | AwaitingPayment | Confirmed | Rejected | Completed | Cancelled)
        // The guest has or had the car.
        | (Event::HoldLost, Rejected | Active | Completed | Cancelled) => Reaction::Ignore,
    }
}

impl State {
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether the booking needs its car.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::AwaitingPayment | Self::Confirmed | Self::Active
        )
    }

    pub fn status(self) -> Status {
        match self {
            Self::Pending => Status::Pending,
            Self::AwaitingPayment | Self::Confirmed => Status::Approved,
            Self::Rejected => Status::Rejected,
            Self::Active => Status::Active,
            Self::Completed => Status::Completed,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

impl Command {
    /// Returns the status that the command leads to where it is allowed.
    pub fn target(self) -> Status {
        match self {
            Self::Approve => Status::Approved,
            Self::Reject => Status::Rejected,
            Self::Cancel(_) => Status::Cancelled,
            Self::Start => Status::Active,
            Self::Complete => Status::Completed,
        }
    }
}
