//! Runs a call through one layer with a handler below it.

use std::time::Duration;

use http::{Request, Response};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::util::ServiceFn;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::Span;

use super::{Result, ServerCall};
use crate::deadline::Deadline;
use crate::lang::Lang;
use crate::layer::from_fn;
use crate::method_registry::find;
use crate::request_context::RequestContext;

/// A public unary RPC.
pub const LOGIN: &str = "/carshare.auth.v1.AuthService/Login";
/// An internal RPC, which `booking` may call.
pub const RELEASE_HOLD: &str = "/carshare.vehicle.v1.VehicleService/ReleaseHold";
/// A server stream.
pub const SUBSCRIBE: &str = "/carshare.notification.v1.NotificationService/Subscribe";
/// A client stream.
pub const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
pub const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// A call of a minute.
pub fn call(path: &str) -> ServerCall {
    call_until(path, Duration::from_mins(1))
}

pub fn call_until(path: &str, timeout: Duration) -> ServerCall {
    let deadline = Some(Deadline::after(timeout));
    let trace = opentelemetry::Context::new();
    ServerCall {
        method: find(path).unwrap(),
        context: RequestContext::new("c-1".into(), deadline, Lang::En, trace, CancellationToken::new()),
        span: Span::none(),
        request: Request::new(Body::empty()),
    }
}

pub async fn run<T, F, FOut, H, HOut>(state: T, function: F, call: ServerCall, handler: H) -> Result
where
    T: Clone,
    F: Fn(&T, &mut ServiceFn<H>, ServerCall) -> FOut + Clone,
    FOut: Future<Output = Result>,
    H: FnMut(ServerCall) -> HOut,
    HOut: Future<Output = Result>,
{
    let service = from_fn(state, function).layer(service_fn(handler));
    service.oneshot(call).await
}

pub async fn ok(_: ServerCall) -> Result {
    Ok(Response::new(Body::empty()))
}

pub async fn never(_: ServerCall) -> Result {
    panic!("the handler was called")
}

pub async fn pending(_: ServerCall) -> Result {
    std::future::pending().await
}
