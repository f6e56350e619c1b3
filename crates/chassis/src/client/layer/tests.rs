//! Runs a call through one layer with a handler below it.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::util::ServiceFn;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::Span;

use super::{CallBody, ClientCall, Result};
use crate::deadline::Deadline;
use crate::lang::Lang;
use crate::layer::from_fn;
use crate::method_registry::find;
use crate::request_context::RequestContext;

const PATH: &str = "/carshare.vehicle.v1.VehicleService/PlaceHold";

pub fn request() -> Request<Body> {
    Request::builder().uri(PATH).body(Body::empty()).unwrap()
}

/// A call of a minute with an empty message, outside a request context.
pub fn call() -> ClientCall {
    ClientCall {
        peer: "vehicle",
        method: find(PATH),
        context: None,
        deadline: Some(Deadline::after(Duration::from_mins(1))),
        span: Span::none(),
        head: request().into_parts().0,
        body: CallBody::Message(Bytes::new()),
    }
}

/// An English request context with the correlation id `c-1`.
pub fn context(left_ms: u64) -> RequestContext {
    let deadline = Some(Deadline::after(Duration::from_millis(left_ms)));
    let trace = opentelemetry::Context::new();
    RequestContext::new("c-1".into(), deadline, Lang::En, trace, CancellationToken::new())
}

pub async fn run<T, F, FOut, H, HOut>(state: T, function: F, call: ClientCall, handler: H) -> Result
where
    T: Clone,
    F: Fn(&T, &mut ServiceFn<H>, ClientCall) -> FOut + Clone,
    FOut: Future<Output = Result>,
    H: FnMut(ClientCall) -> HOut,
    HOut: Future<Output = Result>,
{
    let service = from_fn(state, function).layer(service_fn(handler));
    service.oneshot(call).await
}

pub async fn ok(_: ClientCall) -> Result {
    Ok(Response::new(Body::empty()))
}

pub async fn never(_: ClientCall) -> Result {
    panic!("the call was sent")
}
