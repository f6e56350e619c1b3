//! Errors of operations, by what the caller can do about them.

use std::time::Duration;

use anyhow::anyhow;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use carshare_chassis::Error as ChassisError;
use carshare_chassis::error::error_chain;

const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Error of an operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object or bucket does not exist.
    #[error("no such object")]
    NotFound,
    /// The storage is unreachable, overloaded or failing. A later retry may succeed.
    #[error("the object storage is unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// Invalid credentials or an invalid request: a defect of ours, which a retry does not cure.
    #[error("the object storage refused the request")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    /// Returns a low-cardinality label for metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }
}

impl<E> From<SdkError<E>> for Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let code = error.code().map(str::to_owned);
        let status = error.raw_response().map(|response| response.status().as_u16());
        let cause = anyhow!("status {status:?}, code {code:?}: {}", error_chain(&error));
        match (&error, code.as_deref(), status) {
            (SdkError::ConstructionFailure(_), ..) => Self::Internal(cause),
            (_, Some("NoSuchKey" | "NoSuchBucket" | "NotFound"), _) | (_, _, Some(404)) => Self::NotFound,
            (_, Some("SlowDown" | "RequestTimeout" | "ServiceUnavailable"), _)
            | (SdkError::ServiceError(_), _, Some(429 | 500..)) => Self::Unavailable(cause),
            (SdkError::ServiceError(_), ..) => Self::Internal(cause),
            // No connection, a timeout or a broken connection.
            _ => Self::Unavailable(cause),
        }
    }
}

impl From<Error> for ChassisError {
    /// Converts to `UNAVAILABLE` with a retry delay where a retry may succeed. Callers handle [`Error::NotFound`] before.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(cause) => Self::unavailable("object storage", RETRY_AFTER).cause(cause),
            error => Self::internal(error),
        }
    }
}
