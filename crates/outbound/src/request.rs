//! Building a request.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::client::HttpClient;
use crate::error::OutboundError;
use crate::reply::Reply;
use crate::send;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A variable part of a path, encoded so that it stays one part whatever it holds.
///
/// `.` and `..` cannot be encoded; a request with such a part is refused when it is sent.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

/// A request to be. Its Debug form shows neither path nor headers.
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    pub(crate) client: HttpClient,
    pub(crate) method: Method,
    pub(crate) operation: &'static str,
    pub(crate) timeout: Duration,
    pub(crate) has_idempotency_key: bool,
    pub(crate) builder: Result<reqwest::RequestBuilder, OutboundError>,
}

impl RequestBuilder {
    pub(crate) fn new(client: HttpClient, method: Method, path: &str) -> Self {
        let inner = &client.0;
        let url = format!("{}{path}", inner.base_url);
        // A URL parser removes "..", so a path that changes on parsing is not the one that was meant.
        let builder = match reqwest::Url::parse(&url) {
            Ok(parsed) if path.starts_with('/') && parsed.as_str() == url => {
                Ok(inner.http.request(method.clone(), parsed))
            }
            _ => Err(OutboundError::Request("the path is not in its normal form")),
        };
        Self {
            timeout: inner.config.timeout,
            operation: "",
            has_idempotency_key: false,
            method,
            builder,
            client,
        }
    }

    /// Names the call in logs and metrics, such as `confirm`: paths hold keys and are not written down.
    pub fn operation(self, operation: &'static str) -> Self {
        Self { operation, ..self }
    }

    /// Appends URL-encoded query parameters.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.with(|builder| builder.query(query))
    }

    /// Adds a header. A value that is no header fails the call unsent.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|builder| builder.header(name, value))
    }

    /// Adds a header whose value is a secret.
    pub fn secret_header(self, name: &str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.with(|builder| builder.header(name, value))
            }
            Err(_) => Self {
                builder: Err(OutboundError::Request("a secret is no header value")),
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

    /// How long the call may take with all its retries, instead of what is configured.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends it. Any answer but 429 and 5xx is a reply; what it means is for the caller to say.
    ///
    /// The call ends when its time or the caller's deadline is over, whichever is first.
    pub async fn send(self) -> Result<Reply, OutboundError> {
        send::run(self).await
    }

    /// GETs, and POSTs whose repetition the provider recognises.
    pub(crate) fn is_repeatable(&self) -> bool {
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
            self.client.0.peer, self.method, self.operation
        )
    }
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(segment("tgen_2025-03.A~"), "tgen_2025-03.A~");
        assert_eq!(segment("a/b?c#d e%"), "a%2Fb%3Fc%23d%20e%25");
        assert_eq!(segment("가"), "%EA%B0%80");
    }
}
