//! The layers around a channel, outermost first. [`super::connect`] puts them together.
//!
//! | layer | does |
//! |---|---|
//! | [`call`] | reads the request context, opens the span, writes errors as statuses |
//! | [`metrics`] | counts calls by code |
//! | [`deadline`] | ends the call at its deadline |
//! | [`response_body`] | ends the response body at the deadline |
//! | [`message`] | reads the request message, so that it can be sent again |
//! | [`retry`] | policy of tower's retry: which failures, how often, when |
//! | [`headers`] | writes the time left, trace, correlation id and own name |

pub(super) mod call;
pub(super) mod deadline;
pub(super) mod headers;
pub(super) mod message;
pub(super) mod metrics;
pub(super) mod response_body;
pub(super) mod retry;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body_util::Full;
use tonic::body::Body;
use tower::Service;
use tracing::Span;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::lang::Lang;
use crate::method_registry::Method;
use crate::request_context::RequestContext;

/// A call on its way through the layers.
pub struct ClientCall {
    /// Name of the called service.
    pub peer: &'static str,
    /// `None` for an RPC that the contract does not know.
    pub method: Option<&'static Method>,
    /// Request context of the caller, if it has one.
    pub context: Option<RequestContext>,
    pub deadline: Option<Deadline>,
    pub span: Span,
    pub head: Parts,
    pub body: CallBody,
}

pub enum CallBody {
    /// One message, which can be sent again.
    Message(Bytes),
    Stream(Body),
}

impl ClientCall {
    fn lang(&self) -> Lang {
        self.context
            .as_ref()
            .map_or(Lang::default(), RequestContext::lang)
    }

    /// Returns a copy to send again; `None` for a stream.
    fn try_clone(&self) -> Option<Self> {
        let CallBody::Message(message) = &self.body else {
            return None;
        };
        Some(Self {
            context: self.context.clone(),
            span: self.span.clone(),
            head: self.head.clone(),
            body: CallBody::Message(message.clone()),
            ..*self
        })
    }
}

impl From<CallBody> for Body {
    fn from(body: CallBody) -> Self {
        match body {
            CallBody::Message(message) => Self::new(Full::new(message)),
            CallBody::Stream(body) => body,
        }
    }
}

type Result = std::result::Result<Response<Body>, Error>;

/// The layers below a layer.
pub trait Inner: Service<ClientCall, Response = Response<Body>, Error = Error> {}

impl<S: Service<ClientCall, Response = Response<Body>, Error = Error>> Inner for S {}

#[cfg(test)]
mod tests;
