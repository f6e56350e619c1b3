//! What a caller of this service can act on, and the one place where that becomes a reason of the contract.

use carshare_chassis as chassis;
use carshare_proto::booking::v1::ErrorReason;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use sea_orm::DbErr;

use crate::domain::{Refusal, Status};

/// Why a call of this service is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such booking, or it is not the caller's.
    #[error("no such booking")]
    BookingNotFound,
    /// The car is taken for at least a part of the period.
    #[error("the slot is taken")]
    SlotTaken,
    /// The rental would start in the past.
    #[error("the rental would start in the past")]
    StartInPast,
    /// The booking cannot go from the one state to the other.
    #[error("no way from {from:?} to {to:?}")]
    WrongState {
        from: Status,
        /// Where the call would bring it.
        to: Status,
    },
    /// The car is handed over for money only.
    #[error("the booking is not paid")]
    NotPaid,
    /// The car is handed over from 30 minutes before the start.
    #[error("it is too early to start")]
    TooEarly,
    /// What the database says.
    #[error(transparent)]
    Store(#[from] carshare_store::Error),
    /// A refusal that passes through unchanged, or a defect.
    #[error(transparent)]
    Chassis(#[from] chassis::Error),
}

impl Error {
    /// A defect of ours.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Chassis(chassis::Error::internal(cause))
    }

    /// What the vehicle service answered: a taken car is a refusal of bookings, all others are passed on.
    pub fn from_vehicle(status: tonic::Status) -> Self {
        let answered = chassis::Error::from_status(status);
        if answered.is(VehicleReason::VehicleUnavailable) {
            Self::SlotTaken
        } else {
            Self::Chassis(answered)
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongState { from, to } => Self::WrongState { from, to },
            Refusal::NotPaid => Self::NotPaid,
            Refusal::TooEarly => Self::TooEarly,
        }
    }
}

impl From<Error> for chassis::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::BookingNotFound => Self::new(ErrorReason::BookingNotFound),
            Error::SlotTaken => Self::new(ErrorReason::SlotTaken),
            Error::StartInPast => Self::new(ErrorReason::StartInPast),
            Error::WrongState { from, to } => Self::new(ErrorReason::WrongState)
                .with("from", from.as_str())
                .with("to", to.as_str()),
            Error::NotPaid => Self::new(ErrorReason::NotPaid),
            Error::TooEarly => Self::new(ErrorReason::TooEarly),
            Error::Store(error) => error.into(),
            Error::Chassis(error) => error,
        }
    }
}
