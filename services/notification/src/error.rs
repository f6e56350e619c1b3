//! Errors of the service and their mapping to the reasons of the contract.

use carshare_proto::notification::v1::ErrorReason;
use sea_orm::DbErr;

/// Error of an RPC, event handler or job.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such notification of the caller.
    #[error("no such notification")]
    NotificationNotFound,
    /// No such device of the caller.
    #[error("no such device")]
    DeviceNotFound,
    /// The cursor was not returned by the caller's stream.
    #[error("no such cursor")]
    InvalidCursor,
    /// An error of the chassis, such as a missing permission.
    #[error(transparent)]
    Chassis(#[from] carshare_chassis::Error),
    /// An error of the database.
    #[error(transparent)]
    Store(#[from] carshare_store::Error),
    /// A defect of the service; its cause is only logged.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for carshare_chassis::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::NotificationNotFound => Self::new(ErrorReason::NotificationNotFound),
            Error::DeviceNotFound => Self::new(ErrorReason::DeviceNotFound),
            Error::InvalidCursor => Self::new(ErrorReason::InvalidCursor),
            Error::Chassis(error) => error,
            Error::Store(error) => error.into(),
            Error::Internal(error) => Self::internal(error),
        }
    }
}
