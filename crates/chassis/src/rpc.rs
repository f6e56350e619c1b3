//! The glue between a tonic trait and a handler: what each delegating line of a service's `rpc.rs` calls.
//!
//! ```text
//! async fn approve_booking(&self, request: Request<ApproveBookingRequest>) -> Result<Response<Booking>, Status> {
//!     rpc::unary(&self.app, request, approve_booking::handle).await
//! }
//! ```

mod context;
mod stream;

use std::future::Future;

use prost::Message;
use tonic::{Request, Response, Status};

pub(crate) use context::Authorized;
pub use context::{CallContext, IDEMPOTENCY_KEY, IdempotencyKey, Metadata};
pub use stream::{ReplyStream, server_stream};

use crate::error::Error;
use crate::lang::Lang;
use crate::request_context::RequestContext;

/// Calls the handler of a unary RPC with its [`CallContext`] and turns its error into the one form of refusal.
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
    let (context, message) = CallContext::split(request).map_err(refused)?;
    handle(app, context, message)
        .await
        .map(Response::new)
        .map_err(|error| refused(error.into()))
}

/// The status of an error, which is also left for the canonical log line.
fn refused(error: Error) -> Status {
    let scope = RequestContext::current();
    if let Some(scope) = &scope {
        scope.record_error(&error);
    }
    error.into_status(scope.map_or(Lang::default(), |scope| scope.lang()))
}
