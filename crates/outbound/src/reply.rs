//! Replies of providers.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

/// Status, headers and body. The Debug form shows no content, which may be secret.
#[derive(Clone)]
pub struct Reply {
    /// HTTP status. A call succeeds with 2xx to 4xx except 429.
    pub status: StatusCode,
    /// Headers as received; values may be secret.
    pub headers: HeaderMap,
    /// Body, at most [`Config::max_body_bytes`](crate::Config::max_body_bytes).
    pub body: Bytes,
    /// `Retry-After`, counted from the arrival of the reply.
    pub retry_after: Option<Duration>,
}

impl Reply {
    /// Returns whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// Parses the body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, UnreadableBody> {
        // The message of serde_json may quote the body, so only the position is kept.
        serde_json::from_slice(&self.body).map_err(|error| UnreadableBody {
            status: self.status,
            line: error.line(),
            column: error.column(),
        })
    }

    /// Returns a header's value, if it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns whether the status is 429 or 5xx, which make the call fail.
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

/// The body of a reply is not of the expected form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("status {status}: the body is not what was expected (line {line}, column {column})")]
pub struct UnreadableBody {
    /// Status of the reply.
    pub status: StatusCode,
    /// Line of the first error in the body, from 1.
    pub line: usize,
    /// Column of the first error in the body, from 1.
    pub column: usize,
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
    fn debug_and_parse_errors_do_not_show_the_body() {
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
