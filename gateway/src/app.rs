//! The public port as one column of layers.

use std::any::type_name;
use std::convert::Infallible;
use std::sync::Arc;

use anyhow::anyhow;
use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use carshare_chassis::health::Readiness;
use carshare_chassis::identity::Caller;
use carshare_chassis::layer::from_fn;
use carshare_chassis::{Environment, Error};
use futures::FutureExt as _;
use http::header::{AUTHORIZATION, COOKIE};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, service_fn};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;

use crate::error::GatewayError;
use crate::layer::https_redirect::{self, Origin};
use crate::layer::pages::{self, Pages};
use crate::layer::request_info::{self, RequestInfo, RequestInfoConfig};
use crate::layer::route::{self, Target};
use crate::layer::{
    access_log, address_limit, authorize, body_timeout, catch_panic, connect, connection_close, cors,
    deadline, error_response, grpc_web, head, head_limit, overload, security_headers,
};
use crate::state::AppState;
use crate::{grpc, https, rest};

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
    let config = &state.config.service;
    let info = RequestInfoConfig {
        ids: environment.ids.clone(),
        trusted_proxies: config.limits.trusted_proxies.clone(),
        behind_https_proxy: config.edge.behind_https_proxy,
    };
    let origin = Origin(https::redirect(&state.config)?.map(Arc::from));
    let pages = Arc::new(Pages::new(&state.routes, &config.docs, readiness.clone())?);
    let in_flight = state.in_flight.clone();
    Ok(ServiceBuilder::new()
        .map_request(|request: http::Request<B>| request.map(Body::new))
        .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION, COOKIE]))
        .layer(from_fn(info, request_info::attach))
        .layer(from_fn((), access_log::record))
        .layer(from_fn(readiness, connection_close::announce))
        .layer(from_fn(cors::layer(&config.cors)?, cors::answer))
        .layer(from_fn((), security_headers::set))
        // Ends the name of the type, which every layer multiplies, here and in the middle.
        .layer_fn(BoxCloneSyncService::new)
        .layer(from_fn((), grpc_web::translate))
        .layer(from_fn(Arc::clone(&state), connect::translate))
        .layer(from_fn((), head::remove_body))
        .layer(from_fn((), error_response::render))
        .layer(from_fn((), catch_panic::catch))
        .layer(from_fn((), head_limit::check))
        .layer(from_fn(origin, https_redirect::redirect))
        .layer(from_fn(pages, pages::serve))
        .layer(from_fn(in_flight.by_address, address_limit::limit))
        .layer_fn(BoxCloneSyncService::new)
        .layer(from_fn(Arc::clone(&state), route::find))
        .layer(from_fn(Arc::clone(&state), body_timeout::enforce))
        .layer(from_fn(in_flight.all, overload::limit))
        .layer(from_fn(Arc::clone(&state), deadline::enforce))
        .layer(from_fn(Arc::clone(&state), authorize::authorize))
        // Boxed here, at the bottom: every layer moves the future of those below into its own.
        .service(service_fn(move |request| {
            respond(Arc::clone(&state), request).boxed()
        })))
}

async fn respond(state: Arc<AppState>, request: Request) -> Result<Response, Infallible> {
    Ok(call(&state, request).await.into_response())
}

/// Calls the RPC in the way of its protocol.
async fn call(state: &AppState, mut request: Request) -> Result<Response, GatewayError> {
    let info = RequestInfo::of(request.extensions());
    let target = take(&mut request)?;
    let caller: Caller = take(&mut request)?;
    match target {
        Target::Grpc(rpc) => grpc::forward(state, &rpc, &caller, &info, request).await,
        Target::Rest(route, bindings) => rest::call(state, &info, &route, bindings, &caller, request).await,
        Target::Builtin => grpc::builtin(state, &caller, &info, request).await,
    }
}

/// Takes what a layer attached.
fn take<T: Send + Sync + 'static>(request: &mut Request) -> Result<T, Error> {
    let attached = request.extensions_mut().remove();
    attached.ok_or_else(|| Error::internal(anyhow!("the request has no {}", type_name::<T>())))
}
