//! What a caller of this service can be refused for.

use carshare_proto::notification::v1::ErrorReason;
use thiserror::Error as ThisError;

/// Facts a caller can act on, and the rest.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No such notification of the caller's.
    #[error("no such notification")]
    NotificationNotFound,
    /// Not a cursor of the caller's stream.
    #[error("not a cursor of this stream")]
    InvalidCursor,
    /// A refusal of the shared parts.
    #[error(transparent)]
    Chassis(#[from] carshare_chassis::Error),
    #[error(transparent)]
    Store(#[from] carshare_store::Error),
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for carshare_chassis::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::NotificationNotFound => Self::new(ErrorReason::NotificationNotFound),
            Error::InvalidCursor => Self::new(ErrorReason::InvalidCursor),
            Error::Chassis(error) => error,
            Error::Store(error) => error.into(),
        }
    }
}
