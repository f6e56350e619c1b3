//! A transition that was made, its originator, and the event that it publishes.

use super::{Party, Status, UserId};

/// A transition that was made, to be stored and published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a change has to be stored"]
pub struct Change {
    /// Status before.
    pub from: Status,
    /// Event to publish, if other services are concerned.
    pub event: Option<Event>,
    /// Why it was made, in the word of the history; `None` where the statuses say it.
    pub reason: Option<&'static str>,
}

/// An event to publish: `booking.requested` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Requested,
    Approved,
    Rejected,
    Expired,
    Confirmed,
    Cancelled,
    Started,
    Completed,
}

/// Originator of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Person(Party, UserId),
    /// An admin, who is not named in the history.
    Admin,
    /// A deadline that passed.
    Timer,
    Payment,
    Vehicle,
}

impl Change {
    /// Returns the change with the reason that both sides have confirmed the pickup or return.
    pub fn by_handover(self) -> Self {
        Self {
            reason: Some("handover_confirmed"),
            ..self
        }
    }
}

impl Actor {
    /// Returns the spelling in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person(Party::Guest, _) => "guest",
            Self::Person(Party::Host, _) => "host",
            Self::Admin => "admin",
            Self::Timer => "timer",
            Self::Payment => "payment",
            Self::Vehicle => "vehicle",
        }
    }

    /// Returns the account of a person.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Person(_, user) => Some(user),
            Self::Admin | Self::Timer | Self::Payment | Self::Vehicle => None,
        }
    }
}
