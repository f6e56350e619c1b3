//! Uploads that clients make themselves.

use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};

use crate::error::Error;

/// A request that may be made without credentials until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignedPut {
    /// Where to `PUT` the content.
    pub url: String,
    /// Headers the upload must carry exactly; their values are part of the signature.
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
