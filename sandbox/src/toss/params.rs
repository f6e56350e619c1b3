//! Request bodies. Every invalid body is INVALID_REQUEST.

use axum::body::Bytes;
use serde::de::DeserializeOwned;

use super::error::Error;

/// Parses a JSON body. Unknown fields are ignored, as Toss does.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        tracing::debug!(%error, "unreadable body");
        Error::new("INVALID_REQUEST")
    })
}

/// Accepts `A-Z a-z 0-9 - _ = . @`, 2 to 300 characters. Longer keys end in a database error, as observed at Toss.
pub(super) fn check_customer_key(key: &str) -> Result<(), Error> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b'.' | b'@');
    match key.len() {
        301.. => Err(Error::new("FAILED_DB_PROCESSING")),
        2..=300 if key.bytes().all(allowed) => Ok(()),
        _ => Err(Error::new("INVALID_CUSTOMER_KEY")),
    }
}
