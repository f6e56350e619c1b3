//! Opens a call: reads the request context it belongs to, opens its span and writes its error as a status. An own layer, because
//! request context and errors are of this crate.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;

use super::{CallBody, ClientCall, Inner, deadline};
use crate::method_registry::{self, Method};
use crate::request_context::RequestContext;

#[derive(Clone)]
pub struct OpenCall<S> {
    peer: &'static str,
    timeout: Duration,
    inner: S,
}

/// `timeout` is the upper bound of the deadline of a unary call.
pub fn layer<S>(peer: &'static str, timeout: Duration) -> impl Fn(S) -> OpenCall<S> {
    move |inner| OpenCall { peer, timeout, inner }
}

impl<S> OpenCall<S> {
    fn open(&self, request: Request<Body>) -> ClientCall {
        let (head, body) = request.into_parts();
        let method = method_registry::find(head.uri.path());
        let context = RequestContext::current();
        let span = tracing::info_span!(
            "call",
            otel.name = rpc(method).replacen("rpc.", "call.", 1),
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            rpc.system = "grpc",
            peer.service = self.peer,
        );
        ClientCall {
            peer: self.peer,
            method,
            deadline: deadline::of_call(&head.headers, context.as_ref(), method, self.timeout),
            context,
            span,
            head,
            body: CallBody::Stream(body),
        }
    }
}

/// Returns the name of the RPC for spans and metrics.
pub fn rpc(method: Option<&'static Method>) -> &'static str {
    method.map_or("rpc.unknown", Method::span)
}

impl<S> Service<Request<Body>> for OpenCall<S>
where
    S: Inner<Future: Send> + Clone + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // Waiting for a connection is part of the call, so that its deadline covers it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = self.open(request);
        let (lang, span) = (call.lang(), call.span.clone());
        let running = self.inner.clone().oneshot(call);
        running
            .map_err(move |error| error.into_status(lang))
            .instrument(span)
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;
    use tower::{ServiceBuilder, service_fn};

    use super::super::tests::{context, request};
    use super::*;
    use crate::error::Error;
    use crate::lang::Lang;

    #[tokio::test(start_paused = true)]
    async fn error_is_written_in_the_language_of_the_request_context() {
        let service = ServiceBuilder::new()
            .layer_fn(layer("auth", Duration::from_secs(5)))
            .service(service_fn(async |call: ClientCall| {
                assert_eq!(call.deadline.unwrap().remaining(), Duration::from_millis(980));
                Err::<Response<Body>, _>(Error::new(Common::NotFound))
            }));
        let calling = service.oneshot(request());
        let status = context(1_000).run(calling).await.unwrap_err();
        assert_eq!(status.message(), Error::new(Common::NotFound).text(Lang::En));
    }
}
