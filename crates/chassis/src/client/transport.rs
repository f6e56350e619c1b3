//! Sends a call over the connections of a channel, and classifies failures below gRPC by whether the peer may have seen the call.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use http::{Request, Response};
use tokio::sync::Notify;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::ServiceExt as _;

use super::layer::ClientCall;
use crate::error::{Error, error_chain};
use crate::local_network::{CallError, LocalNode};

/// Delay after which a broken connection is open again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

pub enum Transport {
    /// Over connections to the addresses of the peer.
    Network(Network),
    /// Within the process.
    Local(Local),
}

pub struct Network {
    pub channel: Channel,
    /// Makes the resolver look for addresses at once.
    pub resolve: Arc<Notify>,
}

pub struct Local {
    /// The caller.
    pub node: LocalNode,
    pub peer: String,
}

#[derive(Debug)]
pub struct TransportError {
    pub failure: Failure,
    /// The chain of sources, for the log.
    pub cause: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There was no connection, it was gone before the call was sent, or the peer says that it has not processed the call.
    NotSent,
    /// The connection broke during the call: the peer may have executed it.
    Broken,
    /// The deadline passed.
    Late,
}

impl Transport {
    pub async fn send(self: Arc<Self>, call: ClientCall) -> Result<Response<Body>, TransportError> {
        let request = Request::from_parts(call.head, call.body.into());
        match &*self {
            Self::Network(network) => network.send(request).await,
            Self::Local(local) => local.send(request).await,
        }
    }
}

impl Network {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let sent = self.channel.clone().oneshot(request).await;
        sent.map_err(|error| {
            let failure = Failure::of(&error);
            if failure != Failure::Late {
                self.resolve.notify_one();
            }
            let cause = error_chain(&error);
            TransportError { failure, cause }
        })
    }
}

impl Local {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let sent = self.node.call(&self.peer, request).await;
        sent.map_err(|error| TransportError {
            failure: match error {
                CallError::NotServed => Failure::NotSent,
                CallError::Panicked => Failure::Broken,
            },
            cause: error.to_string(),
        })
    }
}

impl TransportError {
    pub fn into_error(self, peer: &str) -> Error {
        match self.failure {
            Failure::Late => Error::new(Common::DeadlineExceeded),
            Failure::NotSent | Failure::Broken => unavailable(peer, self.cause),
        }
    }
}

pub fn unavailable(peer: &str, cause: String) -> Error {
    Error::unavailable(format!("{peer}: {cause}"), RETRY_AFTER)
}

impl Failure {
    /// Classifies an error of the channel by the chain of its sources.
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<tonic::TimeoutExpired>() {
                return Self::Late;
            }
            // A canceled request was still in the queue of a connection that closed.
            let hyper = error.downcast_ref::<hyper::Error>();
            let h2 = error.downcast_ref::<h2::Error>();
            if hyper.is_some_and(hyper::Error::is_canceled)
                || error.is::<tonic::ConnectError>()
                || h2.is_some_and(is_unprocessed)
            {
                return Self::NotSent;
            }
            next = error.source();
        }
        Self::Broken
    }
}

/// Returns whether the peer says that it has not processed a stream and will not (RFC 9113, 8.7).
///
/// h2 fails the streams above the last one of a GOAWAY with that GOAWAY; the others go on, and fail with an I/O error if the connection
/// closes before their responses. hyper also returns the GOAWAY for a call that had a stream, of which it sent the head at most: without
/// the message no peer executes it.
fn is_unprocessed(error: &h2::Error) -> bool {
    let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    let is_drained = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    error.is_remote() && (is_refused || is_drained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Box<dyn StdError + Send + Sync>);

    #[test]
    fn failure_is_classified_by_the_chain_of_sources() {
        let of = |source: Box<dyn StdError + Send + Sync>| Failure::of(&Outer(source));
        assert_eq!(of(tonic::ConnectError("refused".into()).into()), Failure::NotSent);
        assert_eq!(of(tonic::TimeoutExpired(()).into()), Failure::Late);
        assert_eq!(of("reset".into()), Failure::Broken);
        // Not of the peer: tests/it/goaway.rs has its frames.
        assert_eq!(
            of(h2::Error::from(h2::Reason::REFUSED_STREAM).into()),
            Failure::Broken
        );
    }
}
