//! The services of a server as one column of layers, outermost first. [`super::layer`] says what each one does.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceBuilder};

use super::layer::authorize::Authenticator;
use super::layer::call::CallConfig;
use super::layer::{
    ServerCall, access_log, authorize, call, catch_panic, deadline, drain, message_limit, overload,
    request_context,
};
use super::routes::Routes;
use crate::config;
use crate::ids::Ids;
use crate::layer::from_fn;

/// Returns `routes` behind the layers. `draining` fires when the server begins to drain.
pub fn service<B>(
    config: &config::Server,
    authenticator: Authenticator,
    ids: Ids,
    draining: CancellationToken,
    routes: Routes,
) -> impl Service<
    Request<B>,
    Response = Response<Body>,
    Error = Infallible,
    Future = BoxFuture<'static, Result<Response<Body>, Infallible>>,
>
+ Clone
+ Send
+ Sync
+ 'static
+ use<B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let call = CallConfig {
        ids,
        draining,
        request_timeout: config.request_timeout,
    };
    let in_flight = Semaphore::new(config.max_in_flight.min(Semaphore::MAX_PERMITS));
    ServiceBuilder::new()
        .layer_fn(call::layer(call))
        .layer(from_fn((), access_log::record))
        .layer(from_fn((), request_context::enter))
        .layer(from_fn((), drain::refuse))
        .layer(from_fn((), deadline::enforce))
        // Ends the name of the type, which every layer multiplies: the debug information of a binary took a gigabyte.
        .layer_fn(BoxCloneSyncService::new)
        .layer(from_fn(Arc::new(in_flight), overload::limit))
        .layer(from_fn((), catch_panic::catch))
        .layer(from_fn(authenticator, authorize::authorize))
        .layer(from_fn(config.max_message_bytes, message_limit::limit))
        .map_request(|call: ServerCall| call.request)
        .map_err(|never: Infallible| match never {})
        .service(routes)
}
