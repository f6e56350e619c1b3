//! A transition that was made, and the event that it publishes.

use super::Status;

/// A transition that was made, to be stored and published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a change has to be stored"]
pub struct Change {
    /// Status before; `None` for a new booking.
    pub from: Option<Status>,
    /// Event to publish, if other services are concerned.
    pub event: Option<Event>,
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
