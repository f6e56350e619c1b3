//! Commands, external events, states and reactions of a booking. The transition rules are in [`super::booking`].

use super::{CancellationReason, Status};

/// One of the two sides of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    Guest,
    /// Who owns the car.
    Host,
}

/// A command of the guest or the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The host says yes.
    Approve,
    /// The host says no.
    Reject,
    /// The guest or the host cancels.
    Cancel(Party),
    /// The guest takes the car.
    Start,
    /// The car is back.
    Complete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalEvent {
    /// The host did not answer in time.
    Unanswered,
    /// The guest did not pay in time.
    Unpaid,
    /// The money is captured.
    Captured,
    /// The charge was declined for good.
    Declined,
    /// Money went back to the guest.
    Refunded,
    /// The car went to somebody else.
    HoldLost,
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no way from the one status to the other.
    WrongState {
        /// Where the booking stands.
        from: Status,
        /// Where the ask would bring it.
        to: Status,
    },
    /// The car is handed over for money only.
    NotPaid,
    /// The car is handed over from [`START_EARLY`](super::booking::START_EARLY) before the start.
    TooEarly,
}

/// A transition that was made, to be stored and published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a change that is not recorded is lost"]
pub struct Change {
    /// The status before; none for a new booking.
    pub from: Option<Status>,
    /// What to tell the other services, if it concerns them.
    pub event: Option<Event>,
}

/// An event to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A guest asks for a car.
    Requested,
    /// The host said yes.
    Approved,
    /// The host said no.
    Rejected,
    /// The host did not answer in time.
    Expired,
    Confirmed,
    Cancelled,
    /// The guest took the car.
    Started,
    /// The car is back.
    Completed,
}

/// The status, with approved bookings divided by whether they are paid: the row of the transition tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The host has not answered.
    Pending,
    /// Approved; the money is not there.
    AwaitingPayment,
    Confirmed,
    /// The host said no.
    Rejected,
    /// The guest has the car.
    Active,
    /// The car is back.
    Completed,
    Cancelled,
}

/// The reaction of a booking to an external event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// The booking is confirmed.
    Confirm,
    /// The booking is cancelled.
    Cancel(CancellationReason),
    /// The booking stays as it is; the record of its money moves forward, never back.
    Settle,
    /// Late, doubled, or impossible: nothing.
    Ignore,
}

impl State {
    /// The status it belongs to.
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
    /// The status it is about.
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
