//! The layers around the services of a server, outermost first. [`super::stack::service`] puts them together.
//!
//! | layer | does |
//! |---|---|
//! | [`call`], with `request_body` | finds the RPC, opens its request context and span, writes errors in the caller's language |
//! | [`access_log`] | metrics and one log line a call; observes the response body |
//! | [`request_context`] | runs the inner layers in the request context and the span |
//! | [`drain`] | refuses calls while the server drains |
//! | [`deadline`] | ends the call at its deadline |
//! | [`overload`] | refuses unary calls above the limit |
//! | [`catch_panic`] | turns a panic into an `INTERNAL` error |
//! | [`authorize`] | authenticates the caller and checks the RPC's access option |
//! | [`message_limit`] | limits the size of a request message |
//!
//! The codec of each service then validates the message by its `buf.validate` rules.

pub(super) mod access_log;
pub(super) mod authorize;
pub(super) mod call;
pub(super) mod catch_panic;
pub(super) mod deadline;
pub(super) mod drain;
pub(super) mod message_limit;
pub(super) mod overload;
mod request_body;
pub(super) mod request_context;

use std::time::Duration;

use http::{Request, Response};
use tonic::body::Body;
use tower::Service;
use tracing::Span;

use crate::error::Error;
use crate::method_registry::Method;
use crate::request_context::RequestContext;

/// Delay after which a call that this server does not take may be repeated.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A call on its way through the layers.
pub struct ServerCall {
    pub method: &'static Method,
    pub context: RequestContext,
    pub span: Span,
    pub request: Request<Body>,
}

type Result = std::result::Result<Response<Body>, Error>;

/// The layers below a layer.
pub trait Inner: Service<ServerCall, Response = Response<Body>, Error = Error> {}

impl<S: Service<ServerCall, Response = Response<Body>, Error = Error>> Inner for S {}

#[cfg(test)]
mod tests;
