//! What can go wrong with an object, in the three words a caller can act on.

use std::time::Duration;

use anyhow::anyhow;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use carshare_chassis::Error as Refusal;
use carshare_chassis::error::error_chain;

const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such object (or bucket).
    #[error("no such object")]
    NotFound,
    /// The storage cannot be reached or is not well. Trying again later may help.
    #[error("the object storage is unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// Wrong credentials, a wrong request: our fault, trying again does not help.
    #[error("the object storage refused the request")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    /// Low-cardinality label for metrics.
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
            // No connection, no answer in time, or one that broke off.
            _ => Self::Unavailable(cause),
        }
    }
}

impl From<Error> for Refusal {
    /// "Come back later" when that helps. A caller to whom a missing object means something says so before.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(cause) => Self::unavailable("object storage", RETRY_AFTER).cause(cause),
            error => Self::internal(error),
        }
    }
}
