//! The public port as one column of layers.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{Request, State};
use axum::handler::Handler as _;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::{BoxError, Extension};
use bytes::Bytes;
use carshare_chassis::Environment;
use carshare_chassis::health::Readiness;
use carshare_chassis::identity::Caller;
use http::header::{AUTHORIZATION, COOKIE};
use tokio::sync::Semaphore;
use tower::{Service, ServiceBuilder};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;

use crate::error::GatewayError;
use crate::layer::pages::{self, Pages};
use crate::layer::request_info::{self, RequestInfo, RequestInfoConfig};
use crate::layer::route::{self, Target};
use crate::layer::{
    access_log, authorize, catch_panic, connection_close, cors, deadline, error_response, grpc_web, head,
    overload, security_headers,
};
use crate::state::AppState;
use crate::{grpc, rest};

/// Returns the service of the public port.
///
/// # Errors
/// A contract that cannot be described, or an invalid CORS origin.
pub fn service<B>(
    state: Arc<AppState>,
    readiness: Readiness,
    environment: &Environment,
) -> anyhow::Result<
    impl Service<http::Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (server, config) = (&state.config.common.server, &state.config.service);
    let info = RequestInfoConfig {
        ids: environment.ids.clone(),
        proxies: config.limits.proxies,
    };
    let pages = Arc::new(Pages::new(&state.routes, readiness)?);
    let max_in_flight = server.max_in_flight.min(Semaphore::MAX_PERMITS);
    Ok(ServiceBuilder::new()
        .map_request(|request: http::Request<B>| request.map(Body::new))
        .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION, COOKIE]))
        .layer(from_fn_with_state(info, request_info::attach))
        .layer(from_fn(access_log::record))
        .layer(from_fn(connection_close::announce))
        .layer(cors::layer(&config.cors)?)
        .layer(security_headers::layers(config.edge.https))
        .layer(from_fn(grpc_web::translate))
        .layer(from_fn(head::remove_body))
        .layer(from_fn(error_response::render))
        .layer(catch_panic::layer())
        .layer(from_fn_with_state(pages, pages::serve))
        .layer(HandleErrorLayer::new(overload::respond))
        .load_shed()
        .concurrency_limit(max_in_flight)
        .layer(from_fn_with_state(Arc::clone(&state), route::find))
        .layer(from_fn_with_state(Arc::clone(&state), deadline::enforce))
        .layer(from_fn_with_state(Arc::clone(&state), authorize::authorize))
        .service(call.with_state(state)))
}

/// Calls the RPC in the way of its protocol.
async fn call(
    State(state): State<Arc<AppState>>,
    Extension(info): Extension<RequestInfo>,
    Extension(target): Extension<Target>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, GatewayError> {
    match target {
        Target::Grpc(rpc) => grpc::forward(&state, &rpc, &caller, info.lang, request).await,
        Target::Rest(route, bindings) => rest::call(&state, &info, &route, bindings, &caller, request).await,
        Target::Builtin => grpc::builtin(&state, &caller, info.lang, request).await,
    }
}
