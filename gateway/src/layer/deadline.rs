//! Opens the request context that calls to services read, and ends a request at its deadline. An own layer, because the
//! deadline depends on the RPC and on `grpc-timeout`.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse as _;
use carshare_chassis::deadline;
use carshare_chassis::request_context::RequestContext;
use carshare_chassis::trace_context;
use carshare_chassis::{Deadline, Error};
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use futures::future::Either;
use tokio::time::timeout_at;

use super::request_info::RequestInfo;
use super::route::Target;
use super::{Inner, Result};
use crate::error::GatewayError;
use crate::state::AppState;

pub fn enforce<S: Inner>(
    state: &Arc<AppState>,
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S> {
    let info = RequestInfo::of(request.extensions());
    let headers = request.headers();
    let rpc = request.extensions().get().and_then(Target::rpc);
    let timeout = state.config.common.server.request_timeout;
    let deadline = rpc.and_then(|rpc| deadline::of_request(headers, rpc.is_unary(), timeout));
    let trace = trace_context::of_current_span().unwrap_or_default();
    let draining = state.draining.token().clone();
    let context = RequestContext::new(info.correlation_id.clone(), deadline, info.lang, trace, draining);
    // A stream may have no deadline, but it has to begin: a request that is never sent whole must not stay in flight. Only a
    // client stream takes the time that the client takes.
    let is_sent_at_once = rpc.is_none_or(|rpc| !rpc.method.streaming().client);
    let begin = is_sent_at_once.then(|| Deadline::after(timeout));
    let running = context.run(inner.call(request));
    let late = |_| Ok(GatewayError::from(Error::new(Common::DeadlineExceeded)).into_response());
    match deadline.into_iter().chain(begin).min() {
        Some(deadline) => Either::Left(
            timeout_at(deadline.instant(), running).map(move |result| result.unwrap_or_else(late)),
        ),
        None => Either::Right(running),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use axum::body::Body;
    use carshare_chassis::Lang;
    use carshare_chassis::deadline::GRPC_TIMEOUT;
    use carshare_chassis::layer::from_fn;
    use http::HeaderName;
    use tokio::time::Instant;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    const UNARY: &str = "/carshare.booking.v1.BookingService/GetBooking";
    const STREAM: &str = "/carshare.notification.v1.NotificationService/Subscribe";
    const BUILTIN: &str = "/grpc.health.v1.Health/Check";

    /// Returns the seconds until a call to a service that never answers fails, and the seconds of the deadline that the service
    /// gets.
    async fn seconds(path: &str, grpc_timeout: Option<&str>) -> (u64, Option<u64>) {
        let state = Arc::new(AppState::for_test());
        let given = Arc::new(OnceLock::new());
        let seen = Arc::clone(&given);
        let service = ServiceBuilder::new()
            .layer(from_fn(Arc::clone(&state), enforce))
            .service(service_fn(move |_: Request| {
                let seen = Arc::clone(&seen);
                async move {
                    let deadline = RequestContext::current().unwrap().deadline();
                    seen.set(deadline.map(|deadline| deadline.remaining().as_secs()))
                        .unwrap();
                    std::future::pending::<Result>().await
                }
            }));
        let mut request = Request::new(Body::empty());
        let timeout =
            grpc_timeout.map(|value| (HeaderName::from_static(GRPC_TIMEOUT), value.parse().unwrap()));
        request.headers_mut().extend(timeout);
        let rpc = state.methods.find(path).cloned();
        let target = rpc.map_or(Target::Builtin, Target::Grpc);
        request.extensions_mut().insert(target);
        request
            .extensions_mut()
            .insert(Arc::new(RequestInfo::for_test(Lang::En, "c", path)));
        let started = Instant::now();
        let error = GatewayError::take(&mut service.oneshot(request).await.unwrap());
        assert_eq!(error.unwrap().problem().code(), "COMMON006");
        (started.elapsed().as_secs(), *given.get().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn call_ends_at_the_deadline_of_the_client_or_of_the_server() {
        for (path, grpc_timeout, ends, given) in [
            (UNARY, None, 15, Some(15)),
            (UNARY, Some("5S"), 5, Some(5)),
            (UNARY, Some("100S"), 15, Some(15)),
            (UNARY, Some("nonsense"), 15, Some(15)),
            (STREAM, None, 15, None),
            (STREAM, Some("5S"), 5, Some(5)),
            (STREAM, Some("100S"), 15, Some(100)),
            (BUILTIN, None, 15, None),
        ] {
            assert_eq!(
                seconds(path, grpc_timeout).await,
                (ends, given),
                "{path} {grpc_timeout:?}"
            );
        }
    }
}
