//! Builder of a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::call::Call;
use crate::error::OutboundError;
use crate::reply::Reply;
use crate::shared::Shared;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// All characters except the unreserved ones of RFC 3986 §2.3.
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Encodes a variable part of a path so that it stays one segment.
///
/// `.` and `..` cannot be encoded; a request with such a segment fails unsent.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

/// Request under construction. The Debug form shows neither path nor headers, which may contain secrets.
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    client: Arc<Shared>,
    method: Method,
    operation: &'static str,
    timeout: Duration,
    has_idempotency_key: bool,
    builder: Result<reqwest::RequestBuilder, OutboundError>,
}

impl RequestBuilder {
    pub(crate) fn new(client: Arc<Shared>, method: Method, path: &str) -> Self {
        let url = format!("{}{path}", client.base_url);
        // The parser removes `..`: a path that parsing changes is not the intended one.
        let builder = match reqwest::Url::parse(&url) {
            Ok(parsed) if path.starts_with('/') && parsed.as_str() == url => {
                Ok(client.http.request(method.clone(), parsed))
            }
            _ => Err(OutboundError::Request("the path is not in its normal form")),
        };
        Self {
            timeout: client.config.timeout,
            operation: "",
            has_idempotency_key: false,
            method,
            builder,
            client,
        }
    }

    /// Sets the name of the call in logs and metrics, such as `confirm`. Paths contain keys and are never logged.
    pub fn operation(self, operation: &'static str) -> Self {
        Self { operation, ..self }
    }

    /// Appends URL-encoded query parameters.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.with(|builder| builder.query(query))
    }

    /// Adds a header. With an invalid value the call fails unsent.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|builder| builder.header(name, value))
    }

    /// Adds a header whose value is never logged.
    pub fn secret_header(self, name: &str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.with(|builder| builder.header(name, value))
            }
            Err(_) => Self {
                builder: Err(OutboundError::Request("a secret is not a header value")),
                ..self
            },
        }
    }

    /// Sets HTTP Basic credentials.
    pub fn basic(self, user: &str, password: &str) -> Self {
        self.with(|builder| builder.basic_auth(user, Some(password)))
    }

    /// Sets a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.with(|builder| builder.bearer_auth(token))
    }

    /// Sets a JSON body and its content type.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.with(|builder| builder.json(body))
    }

    /// Sets a URL-encoded form body and its content type.
    pub fn form<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.with(|builder| builder.form(body))
    }

    /// Sets `Idempotency-Key`, which makes a POST safe to repeat.
    pub fn idempotency_key(self, key: &str) -> Self {
        let request = self.with(|builder| builder.header(IDEMPOTENCY_KEY, key));
        Self {
            has_idempotency_key: true,
            ..request
        }
    }

    /// Sets the timeout of the call with all its retries, instead of the configured one.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends the request. Every status except 429 and 5xx is a reply, which the caller interprets.
    ///
    /// The call ends at its timeout or at the deadline of the RPC it belongs to, whichever is first.
    pub async fn send(self) -> Result<Reply, OutboundError> {
        let is_retryable = self.is_retryable();
        // The message of reqwest may quote the URL or a value.
        let request = self.builder.and_then(|builder| {
            builder
                .build()
                .map_err(|_| OutboundError::Request("a header, query or body cannot be encoded"))
        });
        let call = Call {
            client: self.client,
            operation: self.operation,
            request,
            is_retryable,
            timeout: self.timeout,
        };
        call.run().await
    }

    /// Returns whether a repetition is safe: a GET, or a POST that the provider recognises by its key.
    fn is_retryable(&self) -> bool {
        self.method == Method::GET || (self.method == Method::POST && self.has_idempotency_key)
    }

    fn with(self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        Self {
            builder: self.builder.map(change),
            ..self
        }
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RequestBuilder({} {} {})",
            self.client.peer, self.method, self.operation
        )
    }
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn segment_encodes_reserved_characters() {
        assert_eq!(segment("tgen_2025-03.A~"), "tgen_2025-03.A~");
        assert_eq!(segment("a/b?c#d e%"), "a%2Fb%3Fc%23d%20e%25");
        assert_eq!(segment("가"), "%EA%B0%80");
    }
}
