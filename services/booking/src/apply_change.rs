//! Stores a change of a booking: the row, its history entry and its event, always together.

use carshare_store::Tx;

use crate::domain::{Booking, Change, Party, UserId};
use crate::error::Error;
use crate::events::publish;
use crate::store::{bookings, status_history};

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A side of the booking.
    Person(Party, UserId),
    /// A time that passed.
    Timer,
    Payment,
    Vehicle,
}

impl Actor {
    /// The word in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person(Party::Guest, _) => "guest",
            Self::Person(Party::Host, _) => "host",
            Self::Timer => "timer",
            Self::Payment => "payment",
            Self::Vehicle => "vehicle",
        }
    }

    /// The account, when a person did it.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Person(_, user) => Some(user),
            Self::Timer | Self::Payment | Self::Vehicle => None,
        }
    }
}

/// Writes a new booking.
pub async fn insert(tx: &Tx, booking: &Booking, change: Change) -> Result<(), Error> {
    bookings::insert(tx.conn(), booking).await?;
    record(tx, booking, change, Actor::Person(Party::Guest, booking.guest_id)).await
}

/// Writes a changed booking, which the transaction holds locked.
pub async fn update(tx: &Tx, booking: &mut Booking, change: Change, actor: Actor) -> Result<(), Error> {
    bookings::update(tx.conn(), booking).await?;
    record(tx, booking, change, actor).await
}

async fn record(tx: &Tx, booking: &Booking, change: Change, actor: Actor) -> Result<(), Error> {
    status_history::insert(tx.conn(), booking, &change, actor).await?;
    match change.event {
        Some(event) => publish::event(tx, booking, event).await,
        None => Ok(()),
    }
}
