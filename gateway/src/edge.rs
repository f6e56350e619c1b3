//! What all fronts share: the contract, the ways to the services, the door.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use carshare_chassis::access::{self, Visitor};
use carshare_chassis::client::PeerChannel;
use carshare_chassis::deadline::{self, GRPC_TIMEOUT};
use carshare_chassis::identity::{Caller, Verifier};
use carshare_chassis::scope::Scope;
use carshare_chassis::telemetry::propagation;
use carshare_chassis::{Clock, Deadline, Error, Shutdown};
use carshare_proto::common::v1::ErrorReason as Common;
use http::HeaderMap;
use tokio::time::timeout_at;

use crate::ending::{self, Ending};
use crate::exchange::Exchange;
use crate::grpc::Infrastructure;
use crate::limit::Limiter;
use crate::refusal::{COME_BACK, Refusal};
use crate::routes::Routes;
use crate::rpc::{Rpc, Rpcs};

/// Everything an answer is made from. One for the process.
pub struct Edge {
    /// What may be called.
    pub rpcs: Rpcs,
    /// Where REST finds it.
    pub routes: Routes,
    /// Who serves it.
    pub peers: Peers,
    /// Who is let in.
    pub verifier: Verifier,
    /// How often one may ask.
    pub limiter: Limiter,
    /// Health and reflection, answered here.
    pub infrastructure: Infrastructure,
    /// What is too much.
    pub limits: Limits,
    /// A comment is sent on an event stream when nothing else was for this long.
    pub keep_alive: Duration,
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
    /// Time a unary call may take, and the longest a client may ask for.
    pub timeout: Duration,
}

/// The channels to the services, by name.
#[derive(Clone, Debug, Default)]
pub struct Peers(BTreeMap<String, PeerChannel>);

/// Left in the extensions of an answer: what was called.
#[derive(Clone, Debug)]
pub struct Called(pub Arc<Rpc>);

impl Edge {
    /// Lets the caller of `rpc` in, or refuses. The service will look again. Refused callers count for the limits too:
    /// guessing is limited.
    pub async fn admit(&self, exchange: &Exchange, rpc: &Rpc, headers: &HeaderMap) -> Result<Caller, Error> {
        let visitor = Visitor {
            peer: None,
            bearer: access::bearer(headers),
        };
        let admitted = access::admit(rpc.method, visitor, &self.verifier).await;
        let caller = admitted.as_ref().unwrap_or(&Caller::Anonymous);
        let (standing, taken) = self.limiter.take(rpc, exchange.address, caller).await;
        if let Some(standing) = standing {
            // An exchange calls one RPC, so nobody was here before.
            let _ = exchange.standing.set(standing);
        }
        taken.and(admitted)
    }

    /// When a stream of this caller has to end.
    pub fn ending(&self, caller: &Caller) -> Ending {
        ending::of(caller, &self.clock, &self.draining)
    }

    /// What surrounds the work on one request: the channels to the services read it.
    pub fn scope(&self, exchange: &Exchange, rpc: &Rpc, headers: &HeaderMap) -> Scope {
        let trace = propagation::of_current_span().unwrap_or_else(|| propagation::extract(headers));
        let deadline = self.deadline(rpc, headers);
        Scope::new(
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
}

/// Does the work in its scope, and not beyond its deadline.
pub async fn within(
    scope: Scope,
    work: impl Future<Output = Result<Response, Refusal>>,
) -> Result<Response, Refusal> {
    let Some(deadline) = scope.deadline() else {
        return scope.run(work).await;
    };
    let answer = timeout_at(deadline.instant(), scope.run(work)).await;
    answer.unwrap_or_else(|_| Err(Error::refuse(Common::DeadlineExceeded).into()))
}

/// Notes on the answer what was called.
pub fn labelled(mut response: Response, rpc: &Arc<Rpc>) -> Response {
    response.extensions_mut().insert(Called(Arc::clone(rpc)));
    response
}

impl Peers {
    /// These channels.
    pub fn new(channels: impl IntoIterator<Item = PeerChannel>) -> Self {
        Self(
            channels
                .into_iter()
                .map(|channel| (channel.name().to_owned(), channel))
                .collect(),
        )
    }

    /// The channel to the service of an RPC.
    pub fn channel(&self, rpc: &Rpc) -> Result<PeerChannel, Error> {
        self.get(&rpc.peer)
            .ok_or_else(|| Error::unavailable(&rpc.peer, COME_BACK))
    }

    /// The channel to a service, when it is configured.
    pub fn get(&self, name: &str) -> Option<PeerChannel> {
        self.0.get(name).cloned()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &PeerChannel> {
        self.0.values()
    }
}
