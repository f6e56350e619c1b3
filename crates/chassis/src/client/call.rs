//! One call to a peer, with its repetitions.

use std::time::Duration;

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason as Common;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;
use tower::retry::budget::Budget as _;
use tracing::{Instrument as _, Span};

use super::transport_error::Failure;
use super::{PeerChannel, headers, response_body};
use crate::backoff::Backoff;
use crate::deadline::Deadline;
use crate::error::{Error, code_name, error_chain};
use crate::lang::Lang;
use crate::method_registry::{self, Method};
use crate::request_context::RequestContext;
use crate::rpc::IDEMPOTENCY_KEY;

/// A call is sent this many times at most.
const ATTEMPTS: u32 = 3;
/// Delays between attempts.
const BACKOFF: Backoff = Backoff {
    initial: Duration::from_millis(25),
    max: Duration::from_millis(50),
};

struct Exchange {
    peer: PeerChannel,
    method: Option<&'static Method>,
    scope: Option<RequestContext>,
    deadline: Option<Deadline>,
    span: Span,
    lang: Lang,
}

/// What is sent: a message that can be sent again, or a stream that cannot.
enum Outgoing {
    Message(Bytes),
    Stream(Body),
}

/// How an attempt ended when not with a reply.
enum Ended {
    Transport(Failure, String),
    Refused(Response<Body>),
}

pub(super) async fn run(peer: PeerChannel, request: Request<Body>) -> Result<Response<Body>, Status> {
    let (parts, body) = request.into_parts();
    let method = method_registry::find(parts.uri.path());
    let scope = RequestContext::current();
    let deadline = headers::deadline(&parts.headers, scope.as_ref(), method, peer.shared.timeout);
    let rpc = method.map_or("rpc.unknown", Method::span);
    let span = tracing::info_span!(
        "call",
        otel.name = rpc.replacen("rpc.", "call.", 1),
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        rpc.system = "grpc",
        peer.service = peer.shared.name,
    );
    let lang = scope.as_ref().map_or(Lang::default(), RequestContext::lang);
    let name = peer.shared.name;
    let exchange = Exchange {
        peer,
        method,
        scope,
        deadline,
        span: span.clone(),
        lang,
    };
    let result = exchange.run(parts, body).instrument(span.clone()).await;
    let code = match &result {
        Ok(response) => Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code()),
        Err(error) => error.code(),
    };
    metrics::counter!("rpc_client_calls_total", "peer" => name, "rpc" => rpc, "code" => code_name(code))
        .increment(1);
    result.map_err(|error| {
        span.record("otel.status_code", "ERROR");
        tracing::debug!(parent: &span, error = ?error, "call failed");
        error.into_status(lang)
    })
}

impl Exchange {
    async fn run(self, parts: Parts, body: Body) -> Result<Response<Body>, Error> {
        self.peer.shared.budget.deposit();
        let mut outgoing = self.buffer(body).await?;
        let safe =
            self.method.is_some_and(Method::is_safe_to_repeat) || parts.headers.contains_key(IDEMPOTENCY_KEY);
        for attempt in 1.. {
            let again = match &outgoing {
                Outgoing::Message(message) if attempt < ATTEMPTS => Some(Outgoing::Message(message.clone())),
                _ => None,
            };
            let ended = match self.attempt(&parts, outgoing).await? {
                Ok(response) => return Ok(self.bounded(response)),
                Err(ended) => ended,
            };
            match again {
                Some(again) if ended.may_repeat(safe) && self.peer.shared.budget.withdraw() => {
                    metrics::counter!("rpc_client_retries_total", "peer" => self.peer.shared.name, "cause" => ended.label())
                        .increment(1);
                    self.pause(attempt).await?;
                    outgoing = again;
                }
                _ => return self.give_up(ended),
            }
        }
        Err(self.late())
    }

    /// Sends once. The outer error is final: the time is over.
    async fn attempt(
        &self,
        parts: &Parts,
        outgoing: Outgoing,
    ) -> Result<Result<Response<Body>, Ended>, Error> {
        let mut parts = parts.clone();
        headers::write(
            &mut parts.headers,
            &self.peer.shared,
            self.scope.as_ref(),
            &self.span,
            self.deadline,
        );
        let body = match outgoing {
            Outgoing::Message(message) => Body::new(Full::new(message)),
            Outgoing::Stream(body) => body,
        };
        let sending = self
            .peer
            .channel
            .clone()
            .oneshot(Request::from_parts(parts, body));
        match self.in_time(sending).await? {
            Ok(response) if is_unavailable(&response) => Ok(Err(Ended::Refused(response))),
            Ok(response) => Ok(Ok(response)),
            Err(error) => match Failure::of(&error) {
                Failure::Late => Err(self.late()),
                failure => {
                    self.peer.shared.trouble.notify_one();
                    Ok(Err(Ended::Transport(failure, error_chain(&error))))
                }
            },
        }
    }

    /// A message is read whole, so that it can be sent again; a stream is passed on as it comes.
    async fn buffer(&self, body: Body) -> Result<Outgoing, Error> {
        if self.method.is_none_or(|method| method.streaming().client) {
            return Ok(Outgoing::Stream(body));
        }
        let message = self.in_time(body.collect()).await?.map_err(Error::from_status)?;
        Ok(Outgoing::Message(message.to_bytes()))
    }

    async fn pause(&self, attempt: u32) -> Result<(), Error> {
        let delay = BACKOFF.delay(attempt, &self.peer.shared.environment.random);
        self.in_time(tokio::time::sleep(delay)).await
    }

    /// Waits no longer than the deadline. A call that cannot finish is not begun.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        match self.deadline {
            None => Ok(work.await),
            Some(deadline) if deadline.is_expired() => Err(self.late()),
            Some(deadline) => tokio::time::timeout_at(deadline.instant(), work)
                .await
                .map_err(|_| self.late()),
        }
    }

    fn give_up(&self, ended: Ended) -> Result<Response<Body>, Error> {
        match ended {
            Ended::Refused(response) => Ok(self.bounded(response)),
            Ended::Transport(_, cause) => Err(response_body::unavailable(self.peer.shared.name, cause)),
        }
    }

    fn bounded(&self, response: Response<Body>) -> Response<Body> {
        response.map(|body| response_body::bounded(body, self.peer.shared.name, self.deadline, self.lang))
    }

    fn late(&self) -> Error {
        let cause = anyhow::anyhow!("waiting for {}", self.peer.shared.name);
        Error::new(Common::DeadlineExceeded).cause(cause)
    }
}

impl Ended {
    fn may_repeat(&self, safe: bool) -> bool {
        match self {
            Self::Transport(Failure::NeverSent, _) => true,
            Self::Transport(..) => safe,
            // A peer that says when to come back means it.
            Self::Refused(response) => {
                let status = Status::from_header_map(response.headers());
                safe && status.is_none_or(|status| status.get_details_retry_info().is_none())
            }
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Transport(failure, _) => failure.label(),
            Self::Refused(_) => "unavailable",
        }
    }
}

fn is_unavailable(response: &Response<Body>) -> bool {
    Status::from_header_map(response.headers()).is_some_and(|status| status.code() == Code::Unavailable)
}
