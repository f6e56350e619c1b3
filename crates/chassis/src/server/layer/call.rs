//! Opens a call: finds its RPC in the contract, opens its request context and its span, and writes its error in the caller's
//! language. An own layer, because all of this follows from the contract and from headers of this mesh.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt as _};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::request_body::RequestBody;
use super::{Inner, ServerCall};
use crate::deadline;
use crate::error::Error;
use crate::ids::Ids;
use crate::lang::Lang;
use crate::method_registry::{self, Method};
use crate::request_context::{CORRELATION_ID, RequestContext, correlation_id};
use crate::trace_context;

pub struct CallConfig {
    /// Makes correlation ids.
    pub ids: Ids,
    pub draining: CancellationToken,
    /// Upper bound of the deadline of a unary call.
    pub request_timeout: Duration,
}

#[derive(Clone)]
pub struct OpenCall<S> {
    config: Arc<CallConfig>,
    inner: S,
}

pub fn layer<S>(config: CallConfig) -> impl Fn(S) -> OpenCall<S> {
    let config = Arc::new(config);
    move |inner| OpenCall {
        config: Arc::clone(&config),
        inner,
    }
}

impl<S, B> Service<Request<B>> for OpenCall<S>
where
    S: Inner<Future: Send> + Clone + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Load is refused call by call, with a reason; calls do not wait.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(method) = method_registry::find(request.uri().path()) else {
            // An RPC that the contract does not know has no access option.
            let unknown = Status::unimplemented("unknown method").into_http();
            return ready(Ok(unknown)).boxed();
        };
        let call = self.config.open(method, request);
        let context = call.context.clone();
        let running = self.inner.clone().oneshot(call);
        let respond = move |result: super::Result| {
            let mut response = result.unwrap_or_else(|error| error.into_status(context.lang()).into_http());
            localize_violation(response.headers_mut(), context.lang());
            if let Ok(id) = HeaderValue::from_str(context.correlation_id()) {
                response.headers_mut().insert(CORRELATION_ID, id);
            }
            Ok(response)
        };
        running.map(respond).boxed()
    }
}

impl CallConfig {
    fn open<B>(&self, method: &'static Method, request: Request<B>) -> ServerCall
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let headers = request.headers();
        let of_caller = trace_context::extract(headers);
        let span = span(method);
        if !span.is_disabled() {
            // Fails only when no OpenTelemetry layer is installed.
            let _ = span.set_parent(of_caller.clone());
        }
        let trace = trace_context::of_span(&span).unwrap_or(of_caller);
        let context = RequestContext::new(
            correlation_id(headers, &self.ids),
            deadline::of_request(headers, method.is_unary(), self.request_timeout),
            Lang::of_request(headers),
            trace,
            self.draining.clone(),
        );
        let request = request.map(|body| Body::new(RequestBody::new(body, context.clone())));
        ServerCall {
            method,
            context,
            span,
            request,
        }
    }
}

/// Writes the message of an invalid request in the caller's language. The codec of the contract refuses it before a handler runs
/// and writes English, since it does not see the request's headers.
fn localize_violation(headers: &mut HeaderMap, lang: Lang) {
    const INVALID_ARGUMENT: &str = "3";
    if lang == Lang::En
        || headers
            .get(Status::GRPC_STATUS)
            .is_none_or(|code| code != INVALID_ARGUMENT)
    {
        return;
    }
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    let error = Error::new(ErrorReason::InvalidArgument);
    if status.message() == error.text(Lang::En) {
        let details = Bytes::copy_from_slice(status.details());
        let localized = Status::with_details(status.code(), error.text(lang), details);
        // Fails only if the texts of the catalogue cannot be in a header, and percent-encoded texts can.
        let _ = localized.add_header(headers);
    }
}

fn span(method: &'static Method) -> Span {
    tracing::info_span!(
        "rpc",
        otel.name = method.span(),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system = "grpc",
        rpc.method = method.path(),
        rpc.grpc.status_code = tracing::field::Empty,
    )
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;
    use tonic::Code;
    use tower::{ServiceBuilder, service_fn};

    use super::super::tests::LOGIN;
    use super::*;
    use crate::environment::Environment;
    use crate::error::Error;

    /// Calls `path` with a handler that fails with `NOT_FOUND` and the seconds left as its cause.
    async fn call(path: &str, headers: &[(&'static str, &'static str)]) -> Response<Body> {
        let config = CallConfig {
            ids: Environment::system().ids,
            draining: CancellationToken::new(),
            request_timeout: Duration::from_secs(15),
        };
        let service =
            ServiceBuilder::new()
                .layer_fn(layer(config))
                .service(service_fn(async |call: ServerCall| {
                    let left = call.context.deadline().unwrap().remaining().as_secs().to_string();
                    Err::<Response<Body>, _>(Error::new(Common::NotFound).with("left_s", left))
                }));
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        service.oneshot(request).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn error_is_written_in_the_callers_language_with_the_correlation_id() {
        use tonic_types::StatusExt as _;
        let headers = [
            ("x-correlation-id", "c-1"),
            ("accept-language", "en"),
            ("grpc-timeout", "3S"),
        ];
        let response = call(LOGIN, &headers).await;
        assert_eq!(response.headers()[CORRELATION_ID], "c-1");
        let status = Status::from_header_map(response.headers()).unwrap();
        let expected = Error::new(Common::NotFound).text(Lang::En);
        assert_eq!((status.code(), status.message()), (Code::NotFound, &*expected));
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata["left_s"], "3");
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_rpc_is_unimplemented() {
        let response = call("/carshare.auth.v1.AuthService/Unknown", &[]).await;
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::Unimplemented);
    }
}
