//! Presigned uploads.

use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};

use crate::error::Error;

/// Upload that a client may make without credentials until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignedPut {
    /// URL of the `PUT`.
    pub url: String,
    /// Headers that the upload must carry unchanged, since the signature covers their values.
    pub headers: Vec<(String, String)>,
}

pub(crate) fn expiry(expires: Duration) -> Result<PresigningConfig, Error> {
    PresigningConfig::expires_in(expires).map_err(|error| Error::Internal(error.into()))
}

impl From<PresignedRequest> for PresignedPut {
    fn from(request: PresignedRequest) -> Self {
        let headers = request
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            url: request.uri().to_owned(),
            headers,
        }
    }
}
