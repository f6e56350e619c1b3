//! Stores a change of a booking: its row, history entry and event, always together.

use carshare_store::Tx;

use crate::domain::{Booking, Change, Party, UserId};
use crate::error::Error;
use crate::events::publish;
use crate::store::{bookings, status_history};

/// Originator of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Person(Party, UserId),
    /// A deadline that passed.
    Timer,
    Payment,
    Vehicle,
}

impl Actor {
    /// Returns the spelling in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person(Party::Guest, _) => "guest",
            Self::Person(Party::Host, _) => "host",
            Self::Timer => "timer",
            Self::Payment => "payment",
            Self::Vehicle => "vehicle",
        }
    }

    /// Returns the account of a person.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Person(_, user) => Some(user),
            Self::Timer | Self::Payment | Self::Vehicle => None,
        }
    }
}

/// Stores a new booking.
pub async fn insert(tx: &Tx, booking: &Booking, change: Change) -> Result<(), Error> {
    bookings::insert(tx.conn(), booking).await?;
    record(tx, booking, change, Actor::Person(Party::Guest, booking.guest_id)).await
}

/// Stores a changed booking, whose row the transaction has locked.
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
