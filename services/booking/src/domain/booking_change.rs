//! A change of the terms of a booking: its end or its car. One side asks for it, the other one has to accept.
//!
//! What a step of it does to the booking is in [`super::booking`].

pub mod transitions;

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::price::Rates;
use super::{BookingId, Change, ChangeId, Party, Period, Price, Refusal, Status, VehicleId};
use transitions::{Step, step};

pub use transitions::ChangeStatus;

/// What a change alters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum ChangeKind {
    /// A later end.
    Extension,
    /// An earlier end.
    Shortening,
    /// Another car of the host. The price stays.
    VehicleSwap,
}

/// A change that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingChange {
    /// Also the id of the hold and of the charge for it.
    pub id: ChangeId,
    pub booking_id: BookingId,
    /// Incremented by every update.
    pub version: i64,
    pub kind: ChangeKind,
    pub status: ChangeStatus,
    pub requested_by: Party,
    pub ends_at: DateTime<Utc>,
    /// End of the rental when the change was asked for, as is the previous car.
    pub previous_ends_at: DateTime<Utc>,
    pub vehicle_id: VehicleId,
    pub previous_vehicle_id: VehicleId,
    /// Price of the booking with the change.
    pub price: Price,
    /// Won that the price rises by; negative if it falls.
    pub difference_krw: i64,
    /// Of the side that asked for it.
    pub message: Option<String>,
    /// Of the other side.
    pub response: Option<String>,
    /// It expires when the other side has not answered by then.
    pub respond_by: DateTime<Utc>,
    /// It is closed when the difference is not paid by then. Set if the guest is charged.
    pub payment_due_at: Option<DateTime<Utc>>,
    /// Of a swap, the other car with the rates of the booking: an encoded `carshare.vehicle.v1.Vehicle`. Not kept for deleted hosts.
    pub vehicle_snapshot: Option<Vec<u8>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a change is to alter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    End(DateTime<Utc>),
    /// Another car of the host.
    Vehicle {
        id: VehicleId,
        /// With the rates of the booking: an encoded `carshare.vehicle.v1.Vehicle`.
        snapshot: Vec<u8>,
    },
}

/// Input for a new change.
#[derive(Clone, Debug)]
pub struct NewChange {
    pub id: ChangeId,
    pub requested_by: Party,
    pub target: Target,
    /// Rates that the booking was made at.
    pub rates: Rates,
    pub message: Option<String>,
    /// Time for the other side to answer.
    pub respond_within: Duration,
}

/// Why a change or an answer to it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// By the state of the booking or the time.
    Booking(Refusal),
    /// Another change of the booking is open.
    Open,
    /// The booking has this end or this car already.
    WithoutEffect,
    /// The rental would be shorter than [`MIN_LENGTH`], longer than [`MAX_LENGTH`], or over already.
    ///
    /// [`MIN_LENGTH`]: super::booking::MIN_LENGTH
    /// [`MAX_LENGTH`]: super::booking::MAX_LENGTH
    PeriodInvalid,
    /// The rates give no price. A defect: the booking has one.
    NoPrice,
    /// It was answered, withdrawn or has expired.
    Closed { status: ChangeStatus },
    /// The side that asked for it cannot answer it.
    OwnChange,
    /// Only the side that asked for it can take it back.
    NotYourChange,
}

impl From<Refusal> for ChangeRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::Booking(refusal)
    }
}

impl ChangeKind {
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the word of the history for a change of this kind that applies.
    fn applied(self) -> &'static str {
        match self {
            Self::Extension => "extended",
            Self::Shortening => "shortened",
            Self::VehicleSwap => "vehicle_swapped",
        }
    }
}

impl BookingChange {
    /// Returns the status as of `now`: without an answer in time it is expired, whether or not the timer has run.
    pub fn status_at(&self, now: DateTime<Utc>) -> ChangeStatus {
        if self.status == ChangeStatus::Requested && self.respond_by <= now {
            ChangeStatus::Expired
        } else {
            self.status
        }
    }

    /// Returns the time for which it needs its car beyond what the booking has, if any.
    pub fn needed_period(&self, booked: &Period) -> Option<Period> {
        match self.kind {
            ChangeKind::Extension => Period::new(self.previous_ends_at, self.ends_at),
            ChangeKind::Shortening => None,
            ChangeKind::VehicleSwap => Some(*booked),
        }
    }

    /// Returns the word of the history for the step that led to the status.
    pub fn reason(&self) -> &'static str {
        match self.status {
            ChangeStatus::Requested => "change_requested",
            ChangeStatus::AwaitingPayment => "change_accepted",
            ChangeStatus::Applied => self.kind.applied(),
            ChangeStatus::Declined => "change_declined",
            ChangeStatus::Withdrawn => "change_withdrawn",
            ChangeStatus::Expired => "change_expired",
            ChangeStatus::PaymentFailed => "change_payment_failed",
            ChangeStatus::Cancelled => "change_cancelled",
        }
    }

    /// Returns the entry of the history for the step that led to the status: the status of the booking stays.
    pub fn entry(&self, booking: Status) -> Change {
        Change {
            from: booking,
            event: None,
            reason: Some(self.reason()),
        }
    }

    /// Refuses an answer to a change that is closed, or by the side that asked for it.
    pub(super) fn check_answer(&self, by: Party, now: DateTime<Utc>) -> Result<(), ChangeRefusal> {
        self.check_requested(now)?;
        if by == self.requested_by {
            return Err(ChangeRefusal::OwnChange);
        }
        Ok(())
    }

    /// Refuses a change that does not wait for an answer any more.
    pub(super) fn check_requested(&self, now: DateTime<Utc>) -> Result<(), ChangeRefusal> {
        match self.status_at(now) {
            ChangeStatus::Requested => Ok(()),
            status => Err(ChangeRefusal::Closed { status }),
        }
    }

    /// Takes a step if the status allows it.
    pub(super) fn take(&mut self, next: Step, now: DateTime<Utc>) -> Result<(), ChangeRefusal> {
        let closed = ChangeRefusal::Closed { status: self.status };
        self.status = step(next, self.status).ok_or(closed)?;
        self.updated_at = now;
        Ok(())
    }
}
