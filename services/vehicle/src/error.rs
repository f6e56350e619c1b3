//! Errors of this service, and their reasons in the contract.

use std::time::Duration;

use carshare_chassis as chassis;
use carshare_proto::booking::v1::ErrorReason as BookingReason;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::ErrorReason as Reason;
use sea_orm::DbErr;

use carshare_objects::image::ImageFault;

use crate::domain::{InvalidPlate, NoImage};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or not visible to the caller.
    #[error("no such vehicle")]
    VehicleNotFound,
    /// The car is not free for the whole period.
    #[error("the vehicle is taken")]
    VehicleUnavailable,
    /// The opening hours do not cover the period.
    #[error("the vehicle is closed")]
    VehicleClosed,
    #[error("the licence plate is taken")]
    LicensePlateTaken,
    /// Malformed, or of a class that may not be offered.
    #[error("not a valid licence plate")]
    InvalidLicensePlate,
    #[error("the address was not found")]
    AddressNotFound,
    #[error("the map service is unavailable")]
    MapUnavailable {
        retry_after: Duration,
        cause: anyhow::Error,
    },
    #[error("no such image")]
    ImageNotFound,
    #[error("the image was not uploaded")]
    ImageNotUploaded,
    #[error("the image is not valid: {}", .0.as_str())]
    ImageInvalid(ImageFault),
    #[error("too many images")]
    TooManyImages { max: u64 },
    #[error("too many rules")]
    TooManyRules { max: u64 },
    #[error("no such availability rule")]
    AvailabilityNotFound,
    #[error("the vehicle has bookings ahead")]
    VehicleHasBookings,
    #[error("the vehicle has no image")]
    NoImage,
    #[error("the period ends after the next {days} days")]
    TooFarAhead { days: u64 },
    #[error("the vehicle is the guest's own")]
    OwnVehicle,
    /// The car is not available for the booking any more.
    #[error("the booking has lost its vehicle")]
    HoldLost,
    #[error(transparent)]
    Store(carshare_store::Error),
    /// An error of the server stack, or a defect.
    #[error(transparent)]
    Other(chassis::Error),
}

impl From<Error> for chassis::Error {
    fn from(error: Error) -> Self {
        let refuse = |reason: Reason| Self::new(reason);
        match error {
            Error::VehicleNotFound => refuse(Reason::VehicleNotFound),
            Error::VehicleUnavailable => refuse(Reason::VehicleUnavailable),
            Error::VehicleClosed => refuse(Reason::VehicleClosed),
            Error::LicensePlateTaken => refuse(Reason::LicensePlateTaken),
            Error::InvalidLicensePlate => refuse(Reason::InvalidLicensePlate),
            Error::AddressNotFound => refuse(Reason::AddressNotFound),
            Error::MapUnavailable { retry_after, cause } => refuse(Reason::MapUnavailable)
                .retry_after(retry_after)
                .cause(cause),
            Error::ImageNotFound => refuse(Reason::ImageNotFound),
            Error::ImageNotUploaded => refuse(Reason::ImageNotUploaded),
            Error::ImageInvalid(fault) => refuse(Reason::ImageInvalid).with("fault", fault.as_str()),
            Error::TooManyImages { max } => refuse(Reason::TooManyImages).with("max", max.to_string()),
            Error::TooManyRules { max } => refuse(Reason::TooManyRules).with("max", max.to_string()),
            Error::AvailabilityNotFound => refuse(Reason::AvailabilityNotFound),
            Error::VehicleHasBookings => refuse(Reason::VehicleHasBookings),
            Error::NoImage => refuse(Reason::NoImage),
            Error::TooFarAhead { days } => {
                Self::new(BookingReason::TooFarAhead).with("days", days.to_string())
            }
            Error::OwnVehicle => refuse(Reason::OwnVehicle),
            Error::HoldLost => refuse(Reason::VehicleHoldLost),
            Error::Store(error) => error.into(),
            Error::Other(error) => error,
        }
    }
}

impl From<carshare_store::Error> for Error {
    /// Violations of constraints that a caller can act on have errors of their own.
    fn from(error: carshare_store::Error) -> Self {
        match error.constraint() {
            Some("vehicles_license_plate") => Self::LicensePlateTaken,
            // The account of the caller was deleted; their access token may be accepted here for some time.
            Some("vehicles_owner_not_closed") => Self::Other(chassis::Error::new(Common::TokenRevoked)),
            Some("occupancies_no_overlap") => Self::VehicleUnavailable,
            _ => Self::Store(error),
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        carshare_store::Error::from(error).into()
    }
}

impl From<chassis::Error> for Error {
    fn from(error: chassis::Error) -> Self {
        Self::Other(error)
    }
}

impl From<carshare_objects::Error> for Error {
    fn from(error: carshare_objects::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<InvalidPlate> for Error {
    fn from(_: InvalidPlate) -> Self {
        Self::InvalidLicensePlate
    }
}

impl From<NoImage> for Error {
    fn from(_: NoImage) -> Self {
        Self::NoImage
    }
}
