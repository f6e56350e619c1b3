//! Why a call has no usable answer, and whether it can have had an effect all the same.

use std::time::Duration;

use carshare_chassis::Error;
use http::StatusCode;

use crate::reply::Reply;

/// Retry delay for callers when the provider gave none.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A call without a usable answer. Texts name neither address nor body: both may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The breaker is open, for this long; nothing was sent.
    #[error("the provider is left alone for another {0:?}")]
    Open(Duration),
    /// No connection; nothing was sent.
    #[error("no connection")]
    Connect,
    /// The request could not be built, by an error of ours; nothing was sent.
    #[error("the request cannot be built: {0}")]
    Request(&'static str),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended before the answer did.
    #[error("the connection broke before the answer was complete")]
    Interrupted,
    /// The answer is larger than allowed.
    #[error("the answer is larger than allowed")]
    TooLarge,
    /// An answer whose body is not what was expected.
    #[error("status {status}: the body is not what was expected (line {line}, column {column})")]
    Unreadable {
        /// Status of the answer.
        status: StatusCode,
        /// Line of the first error in the body, from 1.
        line: usize,
        /// Column of the first error in the body, from 1.
        column: usize,
    },
    /// 429 or 5xx, with the answer.
    #[error("status {}", .0.status)]
    Status(Box<Reply>),
}

/// What a failed call can have done at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it was not sent, or refused unread (429).
    None,
    /// Perhaps everything that was asked for. Ask before sending again.
    Unknown,
}

impl OutboundError {
    /// Can the call have had an effect? When several attempts were made, this speaks for all of them.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Open(_) | Self::Connect | Self::Request(_) => Effect::None,
            Self::Status(reply) if reply.status == StatusCode::TOO_MANY_REQUESTS => Effect::None,
            Self::Timeout
            | Self::Interrupted
            | Self::TooLarge
            | Self::Unreadable { .. }
            | Self::Status(_) => Effect::Unknown,
        }
    }

    /// Whether the request certainly never left this machine.
    pub fn definitely_not_sent(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Connect | Self::Request(_))
    }

    /// How long to wait, by the breaker or by the provider's `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Open(wait) => Some(*wait),
            Self::Status(reply) => reply.retry_after,
            _ => None,
        }
    }

    /// The answer, when there was one.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Status(reply) => Some(reply),
            _ => None,
        }
    }

    /// Whether another attempt may go better.
    pub(crate) fn is_transient(&self) -> bool {
        !matches!(
            self,
            Self::Open(_) | Self::Request(_) | Self::TooLarge | Self::Unreadable { .. }
        )
    }

    /// Which of two failed attempts tells the truth about both: a later "not sent" does not undo an earlier "perhaps".
    pub(crate) fn worse(earlier: Option<Self>, later: Self) -> Self {
        match earlier {
            Some(earlier) if earlier.effect() == Effect::Unknown && later.effect() == Effect::None => earlier,
            _ => later,
        }
    }

    /// Low-cardinality label for metrics and logs.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Connect => "connect",
            Self::Request(_) => "request",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::TooLarge => "too_large",
            Self::Unreadable { .. } => "unreadable",
            Self::Status(reply) => reply.label(),
        }
    }
}

impl From<OutboundError> for Error {
    /// "Come back later", with the cause for the log; a request we could not build is a defect.
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
    fn what_was_not_sent_had_no_effect_and_the_rest_may_have() {
        for none in [
            OutboundError::Open(RETRY_AFTER),
            OutboundError::Connect,
            OutboundError::Request("r"),
            status(429),
        ] {
            assert_eq!(none.effect(), Effect::None, "{none}");
        }
        for unknown in [
            OutboundError::Timeout,
            OutboundError::Interrupted,
            OutboundError::TooLarge,
            status(500),
            status(503),
        ] {
            assert_eq!(unknown.effect(), Effect::Unknown, "{unknown}");
        }
        assert!(!status(429).definitely_not_sent());
    }

    #[test]
    fn a_later_certainty_does_not_undo_an_earlier_doubt() {
        let worse = |earlier, later| OutboundError::worse(Some(earlier), later).label();
        assert_eq!(worse(OutboundError::Timeout, OutboundError::Connect), "timeout");
        assert_eq!(worse(OutboundError::Interrupted, status(429)), "interrupted");
        assert_eq!(worse(OutboundError::Connect, OutboundError::Timeout), "timeout");
        assert_eq!(worse(OutboundError::Timeout, status(503)), "5xx");
        assert_eq!(
            OutboundError::worse(None, OutboundError::Connect).label(),
            "connect"
        );
    }

    #[test]
    fn callers_are_told_to_come_back() {
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
