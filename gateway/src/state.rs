//! What all fronts share: the contract, the ways to the services, the door.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use carshare_chassis::authorization::{self, Credentials};
use carshare_chassis::client::PeerChannel;
use carshare_chassis::deadline::{self, GRPC_TIMEOUT};
use carshare_chassis::identity::{Caller, Verifier};
use carshare_chassis::request_context::RequestContext;
use carshare_chassis::telemetry::propagation;
use carshare_chassis::{Clock, Deadline, Error, Shutdown};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Limit;
use futures::FutureExt as _;
use http::HeaderMap;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use crate::error::{GatewayError, UNAVAILABLE_RETRY_AFTER};
use crate::grpc::Infrastructure;
use crate::method_table::{Rpc, Rpcs};
use crate::rate_limit::Limiter;
use crate::request_context::Exchange;
use crate::routes::Routes;
use crate::stream_end::{self, Ending};

/// Everything an answer is made from. One for the process.
pub struct Edge {
    /// What may be called.
    pub rpcs: Rpcs,
    /// Where REST finds it.
    pub routes: Routes,
    pub peers: Peers,
    /// Verifies bearer tokens against auth's JWKS.
    pub verifier: Verifier,
    /// How often one may ask.
    pub limiter: Limiter,
    /// Health and reflection, answered here.
    pub infrastructure: Infrastructure,
    /// What is too much.
    pub limits: Limits,
    /// A comment is sent on an event stream when nothing else was for this long.
    pub keep_alive: Duration,
    /// Places for open streams.
    pub streams: Arc<Semaphore>,
    /// Streams end when it fires.
    pub draining: Shutdown,
    /// Tokens end by it.
    pub clock: Clock,
}

/// Bounds of one request.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body of a REST request.
    pub max_body_bytes: usize,
    /// Largest message of a gRPC request.
    pub max_message_bytes: usize,
    /// Largest reply message that is turned into JSON.
    pub max_reply_bytes: usize,
    /// Time a unary call may take, and the longest a client may ask for. A stream has as long to begin.
    pub timeout: Duration,
}

/// The channels to the services, by name. Streams have connections of their own: one carries only so many at a time, and a
/// call must not wait until somebody's stream ends.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    calls: BTreeMap<String, PeerChannel>,
    streams: BTreeMap<String, PeerChannel>,
}

/// Left in the extensions of an answer: what was called.
#[derive(Clone, Debug)]
pub struct MatchedRpc(pub Arc<Rpc>);

impl Edge {
    /// Lets the caller of `rpc` in, or refuses. The service will look again. Refused callers count for the limits too:
    /// guessing is limited.
    pub async fn authorize(
        &self,
        exchange: &Exchange,
        rpc: &Rpc,
        headers: &HeaderMap,
    ) -> Result<Caller, Error> {
        let visitor = Credentials {
            peer: None,
            bearer: authorization::bearer(headers),
        };
        let admitted = authorization::authorize(rpc.method, visitor, &self.verifier).await;
        let caller = admitted.as_ref().unwrap_or(&Caller::Anonymous);
        let taken = self.count(exchange, rpc.limit.as_ref(), caller).await;
        taken.and(admitted)
    }

    /// Takes a call from the budgets of the caller, or refuses it.
    pub async fn count(
        &self,
        exchange: &Exchange,
        class: Option<&Limit>,
        caller: &Caller,
    ) -> Result<(), Error> {
        let (standing, taken) = self.limiter.take(class, exchange.address, caller).await;
        if let Some(standing) = standing {
            // An exchange is one call, so nobody was here before.
            let _ = exchange.standing.set(standing);
        }
        taken
    }

    /// When a stream of this caller has to end. It holds the stream's place; refuses when there is none.
    pub fn ending(&self, caller: &Caller) -> Result<Ending, Error> {
        let Ok(place) = Arc::clone(&self.streams).try_acquire_owned() else {
            metrics::counter!("edge_streams_refused_total").increment(1);
            return Err(Error::unavailable(
                "the gateway has too many open streams",
                UNAVAILABLE_RETRY_AFTER,
            ));
        };
        let ending = stream_end::of(caller, &self.clock, &self.draining);
        Ok(ending.inspect(|_| drop(place)).boxed())
    }

    /// What surrounds the work on one request: the channels to the services read it.
    pub fn scope(&self, exchange: &Exchange, rpc: &Rpc, headers: &HeaderMap) -> RequestContext {
        let trace = propagation::of_current_span().unwrap_or_else(|| propagation::extract(headers));
        let deadline = self.deadline(rpc, headers);
        RequestContext::new(
            exchange.correlation_id.clone(),
            deadline,
            exchange.lang,
            trace,
            self.draining.token().clone(),
        )
    }

    /// A unary call always has one; a stream only when the client says so.
    fn deadline(&self, rpc: &Rpc, headers: &HeaderMap) -> Option<Deadline> {
        let asked = headers
            .get(GRPC_TIMEOUT)
            .and_then(|value| deadline::parse_timeout(value.to_str().ok()?));
        let longest = rpc.is_unary().then_some(self.limits.timeout);
        let allowed = match (asked, longest) {
            (Some(asked), Some(longest)) => Some(asked.min(longest)),
            (asked, longest) => asked.or(longest),
        };
        allowed.map(Deadline::after)
    }

    /// Does the work in its scope, and not beyond its deadline. A stream may have none, but it has to begin: a request that
    /// is never sent whole must not keep its place. Only what the client streams itself takes the time it takes.
    pub async fn within(
        &self,
        rpc: &Rpc,
        scope: RequestContext,
        work: impl Future<Output = Result<Response, GatewayError>>,
    ) -> Result<Response, GatewayError> {
        let begun = (!rpc.method.streaming().client).then(|| Deadline::after(self.limits.timeout));
        let Some(deadline) = scope.deadline().into_iter().chain(begun).min() else {
            return scope.run(work).await;
        };
        until(deadline, scope.run(work)).await
    }
}

/// Does the work, but not beyond the deadline.
pub async fn until(
    deadline: Deadline,
    work: impl Future<Output = Result<Response, GatewayError>>,
) -> Result<Response, GatewayError> {
    let answer = timeout_at(deadline.instant(), work).await;
    answer.unwrap_or_else(|_| Err(Error::new(Common::DeadlineExceeded).into()))
}

/// Notes on the answer what was called.
pub fn with_matched_rpc(mut response: Response, rpc: &Arc<Rpc>) -> Response {
    response.extensions_mut().insert(MatchedRpc(Arc::clone(rpc)));
    response
}

impl Peers {
    pub fn new(
        calls: impl IntoIterator<Item = PeerChannel>,
        streams: impl IntoIterator<Item = PeerChannel>,
    ) -> Self {
        let named = |channel: PeerChannel| (channel.name().to_owned(), channel);
        Self {
            calls: calls.into_iter().map(named).collect(),
            streams: streams.into_iter().map(named).collect(),
        }
    }

    /// The channel to the service of an RPC.
    pub fn channel(&self, rpc: &Rpc) -> Result<PeerChannel, Error> {
        let channels = if rpc.is_unary() {
            &self.calls
        } else {
            &self.streams
        };
        channels.get(&rpc.peer).cloned().ok_or_else(|| {
            Error::unavailable(format!("{} is unavailable", rpc.peer), UNAVAILABLE_RETRY_AFTER)
        })
    }

    /// The channel for calls to a service, when it is configured.
    pub fn get(&self, name: &str) -> Option<PeerChannel> {
        self.calls.get(name).cloned()
    }

    /// One channel to each service.
    pub fn iter(&self) -> impl Iterator<Item = &PeerChannel> {
        self.calls.values()
    }
}
