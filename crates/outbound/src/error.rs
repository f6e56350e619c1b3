//! Errors of calls, and whether a failed call can have had an effect.

use std::time::Duration;

use carshare_chassis::Error;
use http::StatusCode;

use crate::reply::{Reply, UnreadableBody};

/// Retry delay for callers when the provider gave none.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A call without a usable reply. The messages name neither URL nor body, since both may contain secrets.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The circuit breaker is open for this long; nothing was sent.
    #[error("the circuit breaker is open for {0:?}")]
    Open(Duration),
    /// No connection; nothing was sent.
    #[error("no connection")]
    Connect,
    /// The request could not be built, which is a defect of the caller; nothing was sent.
    #[error("the request cannot be built: {0}")]
    Request(&'static str),
    /// No reply before the timeout.
    #[error("no reply in time")]
    Timeout,
    /// The connection ended before the reply was complete.
    #[error("the connection broke before the reply was complete")]
    Interrupted,
    /// The reply is larger than [`Config::max_body_bytes`](crate::Config::max_body_bytes).
    #[error("the reply is too large")]
    TooLarge,
    /// The body of the reply is not of the expected form.
    #[error(transparent)]
    Unreadable(#[from] UnreadableBody),
    /// Status 429 or 5xx.
    #[error("status {}", .0.status)]
    Status(Box<Reply>),
}

/// Effect that a failed call can have had at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// None: the request was not sent, or refused unread (429).
    None,
    /// Possibly the full effect. Look the result up before sending again.
    Unknown,
}

impl OutboundError {
    /// Returns the possible effect of the call, over all its attempts.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Open(_) | Self::Connect | Self::Request(_) => Effect::None,
            Self::Status(reply) if reply.status == StatusCode::TOO_MANY_REQUESTS => Effect::None,
            Self::Timeout | Self::Interrupted | Self::TooLarge | Self::Unreadable(_) | Self::Status(_) => {
                Effect::Unknown
            }
        }
    }

    /// Returns whether the request certainly never left this machine.
    pub fn definitely_not_sent(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Connect | Self::Request(_))
    }

    /// Returns how long to wait, by the circuit breaker or the provider's `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Open(wait) => Some(*wait),
            Self::Status(reply) => reply.retry_after,
            _ => None,
        }
    }

    /// Returns the reply of a 429 or 5xx.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Status(reply) => Some(reply),
            _ => None,
        }
    }

    /// Returns whether another attempt may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        !matches!(
            self,
            Self::Open(_) | Self::Request(_) | Self::TooLarge | Self::Unreadable(_)
        )
    }

    /// Returns the error that holds for both attempts: a later one without effect does not replace one that may have had
    /// an effect.
    pub(crate) fn combine(earlier: Option<Self>, later: Self) -> Self {
        match earlier {
            Some(earlier) if earlier.effect() == Effect::Unknown && later.effect() == Effect::None => earlier,
            _ => later,
        }
    }

    /// Returns a low-cardinality label for metrics and logs.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Connect => "connect",
            Self::Request(_) => "request",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::TooLarge => "too_large",
            Self::Unreadable(_) => "unreadable",
            Self::Status(reply) => reply.label(),
        }
    }
}

impl From<OutboundError> for Error {
    /// Converts to `UNAVAILABLE` with a retry delay; a request that could not be built is `INTERNAL`.
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Request(_) => Self::internal(error),
            error => {
                let wait = error.retry_after().unwrap_or(RETRY_AFTER);
                Self::unavailable("a third party", wait).cause(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> OutboundError {
        OutboundError::Status(Box::new(Reply::for_tests(code, "")))
    }

    #[test]
    fn effect_is_none_for_unsent_and_unread_requests_only() {
        for error in [
            OutboundError::Open(RETRY_AFTER),
            OutboundError::Connect,
            OutboundError::Request("r"),
            status(429),
        ] {
            assert_eq!(error.effect(), Effect::None, "{error}");
        }
        for error in [
            OutboundError::Timeout,
            OutboundError::Interrupted,
            OutboundError::TooLarge,
            status(500),
            status(503),
        ] {
            assert_eq!(error.effect(), Effect::Unknown, "{error}");
        }
        assert!(!status(429).definitely_not_sent());
    }

    #[test]
    fn combine_keeps_an_unknown_effect() {
        let combined = |earlier, later| OutboundError::combine(Some(earlier), later).label();
        assert_eq!(
            combined(OutboundError::Timeout, OutboundError::Connect),
            "timeout"
        );
        assert_eq!(combined(OutboundError::Interrupted, status(429)), "interrupted");
        assert_eq!(
            combined(OutboundError::Connect, OutboundError::Timeout),
            "timeout"
        );
        assert_eq!(combined(OutboundError::Timeout, status(503)), "5xx");
        assert_eq!(
            OutboundError::combine(None, OutboundError::Connect).label(),
            "connect"
        );
    }

    #[test]
    fn conversion_to_chassis_error_keeps_the_retry_delay() {
        let error = Error::from(OutboundError::Open(Duration::from_secs(9)));
        assert_eq!(
            (error.reason(), error.retry_delay()),
            ("UNAVAILABLE", Some(Duration::from_secs(9)))
        );
        assert_eq!(
            Error::from(OutboundError::Timeout).retry_delay(),
            Some(RETRY_AFTER)
        );
        assert_eq!(Error::from(OutboundError::Request("r")).reason(), "INTERNAL");
    }
}
