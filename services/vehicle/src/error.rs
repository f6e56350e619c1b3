//! What can go wrong here, as facts a caller can act on, and the one match that gives them their reason and code.

use std::time::Duration;

use carshare_chassis as chassis;
use carshare_proto::vehicle::v1::ErrorReason as Reason;
use sea_orm::DbErr;

use crate::domain::{ImageFault, InvalidPlate, NoImage};

/// What most functions of this service return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal of this service, or what stopped it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such car, or not one the caller may see or change.
    #[error("no such vehicle")]
    VehicleNotFound,
    /// The car is taken for at least a part of the period.
    #[error("the vehicle is taken")]
    VehicleUnavailable,
    /// The period is outside the opening hours.
    #[error("the vehicle is closed")]
    VehicleClosed,
    /// Another car has this plate.
    #[error("the licence plate is taken")]
    LicensePlateTaken,
    /// Not a plate, or of a class that may not be offered.
    #[error("not a valid licence plate")]
    InvalidLicensePlate,
    /// The map does not know the address.
    #[error("the address was not found")]
    AddressNotFound,
    /// The map service is away.
    #[error("the map service is unavailable")]
    MapUnavailable {
        /// When to come back.
        retry_after: Duration,
        cause: anyhow::Error,
    },
    /// No such photo on this car.
    #[error("no such image")]
    ImageNotFound,
    /// The file has not arrived.
    #[error("the image was not uploaded")]
    ImageNotUploaded,
    /// The file is not the announced photo.
    #[error("the image is not valid: {0}")]
    ImageInvalid(ImageFault),
    /// As many photos as a car may have.
    #[error("too many images")]
    TooManyImages { max: u64 },
    /// As many rules as a car may have.
    #[error("too many rules")]
    TooManyRules { max: u64 },
    /// No such rule on this car.
    #[error("no such availability rule")]
    AvailabilityNotFound,
    /// The car is taken now or later.
    #[error("the vehicle has bookings ahead")]
    VehicleHasBookings,
    /// A car without a photo cannot be offered.
    #[error("the vehicle has no image")]
    NoImage,
    /// A host does not book the own car.
    #[error("the vehicle is the guest's own")]
    OwnVehicle,
    #[error(transparent)]
    Store(carshare_store::Error),
    /// A refusal that is not this service's own, or a defect.
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
            Error::OwnVehicle => refuse(Reason::OwnVehicle),
            Error::Store(error) => error.into(),
            Error::Other(error) => error,
        }
    }
}

impl From<carshare_store::Error> for Error {
    /// Constraints that say something to a caller become refusals by their name.
    fn from(error: carshare_store::Error) -> Self {
        match error.constraint() {
            Some("vehicles_license_plate") => Self::LicensePlateTaken,
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
