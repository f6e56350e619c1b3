//! Everything that happens around a handler, in order. [`Guarded::answer`] is the list.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::Service;
use tracing::Instrument as _;

use super::call::{Call, Inner};
use crate::authorization::{self, Credentials};
use crate::config;
use crate::deadline::Deadline;
use crate::environment::Environment;
use crate::error::Error;
use crate::http_server::Connection;
use crate::identity::{Caller, Verifier};
use crate::message_limit;
use crate::method_registry;
use crate::rpc::Authorized;
use crate::task::panic_text;
use crate::tls::INSECURE_PEER;

/// A refused call may come back after this.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Authenticates the caller.
pub(super) struct Authenticator {
    pub(super) verifier: Verifier,
    /// There is no TLS, so [`INSECURE_PEER`] is believed.
    pub(super) believes_headers: bool,
}

/// What the stack needs, for all calls of a server.
pub(super) struct Stack {
    door: Authenticator,
    environment: Environment,
    draining: CancellationToken,
    timeout: Duration,
    max_message_bytes: usize,
    in_flight: Semaphore,
}

/// The stack around the services.
#[derive(Clone)]
pub(super) struct Guarded {
    stack: Arc<Stack>,
    routes: Routes,
}

impl Stack {
    pub(super) fn new(
        config: &config::Server,
        door: Authenticator,
        environment: Environment,
        draining: CancellationToken,
    ) -> Self {
        Self {
            door,
            environment,
            draining,
            timeout: config.request_timeout,
            max_message_bytes: config.max_message_bytes,
            in_flight: Semaphore::new(config.max_in_flight.min(Semaphore::MAX_PERMITS)),
        }
    }

    pub(super) fn around(self, routes: Routes) -> Guarded {
        Guarded {
            stack: Arc::new(self),
            routes,
        }
    }

    /// Refuses before anything is spent on the call.
    fn take(&self, call: &Call) -> Result<Option<SemaphorePermit<'_>>, Error> {
        if self.draining.is_cancelled() {
            return Err(Error::unavailable("the server is draining", RETRY_AFTER));
        }
        if call
            .scope()
            .deadline()
            .is_some_and(|deadline| deadline.is_expired())
        {
            return Err(Error::new(Common::DeadlineExceeded));
        }
        if call.method().is_infrastructure() || !call.method().is_unary() {
            return Ok(None);
        }
        self.in_flight
            .try_acquire()
            .map(Some)
            .map_err(|_| Error::unavailable("the server is overloaded", RETRY_AFTER))
    }

    /// Who is calling, if the contract admits them.
    async fn authorize(&self, call: &mut Call, request: &Parts) -> Result<Caller, Error> {
        let connection = request.extensions.get::<Connection>();
        let claimed = request
            .headers
            .get(INSECURE_PEER)
            .filter(|_| self.door.believes_headers);
        let peer: Option<Arc<str>> = match claimed.and_then(|name| name.to_str().ok()) {
            Some(name) => Some(name.into()),
            None => connection.and_then(|connection| connection.peer.clone()),
        };
        call.identify(peer.clone(), None);
        let visitor = Credentials {
            peer: peer.as_deref(),
            bearer: authorization::bearer(&request.headers),
        };
        let caller = authorization::authorize(call.method(), visitor, &self.door.verifier).await?;
        call.identify(peer, Some(&caller));
        Ok(caller)
    }
}

impl Guarded {
    async fn handle(self, request: Request<Body>) -> Response<Body> {
        let Some(method) = method_registry::find(request.uri().path()) else {
            // Not in the contract, so it has no access option.
            return Status::unimplemented("unknown method").into_http();
        };
        let (environment, draining, timeout) =
            (&self.stack.environment, &self.stack.draining, self.stack.timeout);
        let mut call = Call::open(
            method,
            request.headers(),
            &Inner {
                environment,
                draining,
                timeout,
            },
        );
        let (scope, span) = (call.scope().clone(), call.span().clone());
        let answered = scope.run(self.answer(&mut call, request).instrument(span)).await;
        let response = answered.unwrap_or_else(|error| call.refuse(error));
        call.watch(response)
    }

    /// The list: drain, deadline and load; identity and access; size; the handler (its codec validates), which may
    /// neither outlive the deadline nor take the server down with a panic.
    async fn answer(&self, call: &mut Call, request: Request<Body>) -> Result<Response<Body>, Error> {
        let _permit = self.stack.take(call)?;
        let (method, scope) = (call.method(), call.scope().clone());
        let deadline = scope.deadline().unwrap_or_else(|| Deadline::after(Duration::MAX));
        let run = async {
            let (mut head, mut body) = request.into_parts();
            let caller = self.stack.authorize(call, &head).await?;
            head.extensions.insert(Authorized {
                caller,
                deadline,
                method,
            });
            // The token is not needed any more; removing it keeps it from leaking.
            head.headers.remove(AUTHORIZATION);
            if !method.streaming().client {
                body = message_limit::limited(body, self.stack.max_message_bytes, scope.lang());
            }
            let request = Request::from_parts(head, body);
            Ok(self
                .routes
                .clone()
                .call(request)
                .await
                .unwrap_or_else(|never| match never {}))
        };
        let caught = AssertUnwindSafe(run).catch_unwind();
        match tokio::time::timeout_at(deadline.instant(), caught).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(panic)) => Err(Error::internal(anyhow::anyhow!(
                "panicked: {}",
                panic_text(&*panic)
            ))),
            Err(_) => Err(Error::new(Common::DeadlineExceeded)),
        }
    }
}

impl Service<Request<Incoming>> for Guarded {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Load is refused call by call, with a reason; calls do not queue.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let guarded = self.clone();
        async move { Ok(guarded.handle(request.map(Body::new)).await) }.boxed()
    }
}
