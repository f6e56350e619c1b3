//! An answer, read whole.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::error::OutboundError;

/// Status, headers and body. Its Debug form shows no content.
#[derive(Clone)]
pub struct Reply {
    /// HTTP status, 2xx to 4xx; 429 and 5xx are errors.
    pub status: StatusCode,
    /// Headers as received.
    pub headers: HeaderMap,
    /// The whole body, at most the configured limit.
    pub body: Bytes,
    /// `Retry-After`, from the moment the answer came.
    pub retry_after: Option<Duration>,
}

impl Reply {
    /// 2xx?
    pub fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, OutboundError> {
        // serde_json's own text may quote the body, so only the place is kept.
        serde_json::from_slice(&self.body).map_err(|error| OutboundError::Unreadable {
            status: self.status,
            line: error.line(),
            column: error.column(),
        })
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// 429 and 5xx are no answers to the question asked.
    pub(crate) fn is_failure(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error()
    }

    pub(crate) fn label(&self) -> &'static str {
        match self.status.as_u16() {
            200..=299 => "2xx",
            300..=399 => "3xx",
            429 => "429",
            400..=499 => "4xx",
            _ => "5xx",
        }
    }

    #[cfg(test)]
    pub(crate) fn for_tests(status: u16, body: &'static str) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            retry_after: None,
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_a_parse_error_shows_the_body() {
        let reply = Reply::for_tests(200, r#"{"secret":"ps_hidden"}"#);
        assert_eq!(format!("{reply:?}"), "Reply(200 OK, 22 bytes)");
        let error = reply.json::<Vec<String>>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "status 200 OK: the body is not what was expected (line 1, column 0)"
        );
        let number = Reply::for_tests(200, r#"{"n":"ps_hidden"}"#);
        let error = number
            .json::<std::collections::BTreeMap<String, u8>>()
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hidden"));
    }
}
