//! Calls handlers from tonic traits: each method of a service's `rpc.rs` delegates to [`unary`] or [`server_stream`].
//!
//! ```text
//! async fn approve_booking(&self, request: Request<ApproveBookingRequest>) -> Result<Response<Booking>, Status> {
//!     rpc::unary(&self.app, request, approve_booking::handle).await
//! }
//! ```

mod access_token;
mod client_info;
mod context;
mod stream;

use std::future::Future;

use prost::Message;
use tonic::{Request, Response, Status};

pub use access_token::AccessToken;
pub use client_info::{CLIENT_ADDRESS, ClientInfo};
pub(crate) use context::Authorized;
pub use context::{CallContext, IDEMPOTENCY_KEY, IdempotencyKey, Metadata};
pub use stream::{ReplyStream, server_stream};

use crate::error::Error;
use crate::lang::Lang;
use crate::request_context::RequestContext;

/// Calls the handler of a unary RPC with its [`CallContext`] and converts its error to a status.
pub async fn unary<'a, A, Req, Rep, E, F, Fut>(
    app: &'a A,
    request: Request<Req>,
    handle: F,
) -> Result<Response<Rep>, Status>
where
    Req: Message,
    F: FnOnce(&'a A, CallContext, Req) -> Fut,
    Fut: Future<Output = Result<Rep, E>>,
    E: Into<Error>,
{
    let (context, message) = CallContext::split(request).map_err(to_status)?;
    handle(app, context, message)
        .await
        .map(Response::new)
        .map_err(|error| to_status(error.into()))
}

/// Converts an error to a status and records it for the access log.
fn to_status(error: Error) -> Status {
    let context = RequestContext::current();
    if let Some(context) = &context {
        context.record_error(&error);
    }
    error.into_status(context.map_or(Lang::default(), |context| context.lang()))
}
