//! Calls handlers of server-streaming RPCs.

use std::future::Future;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use prost::Message;
use tonic::{Request, Response, Status};

use super::{CallContext, to_status};
use crate::error::Error;

/// Stream type for tonic traits.
pub type ReplyStream<M> = BoxStream<'static, Result<M, Status>>;

/// Calls the handler of a server-streaming RPC.
///
/// The server polls the stream in the request context of the call. It ends at its first error, at the caller's deadline, or with
/// `UNAVAILABLE` and `RetryInfo` when the server drains, so that the client resumes at another replica.
pub async fn server_stream<'a, A, Req, M, S, E, F, Fut>(
    app: &'a A,
    request: Request<Req>,
    handle: F,
) -> Result<Response<ReplyStream<M>>, Status>
where
    Req: Message,
    F: FnOnce(&'a A, CallContext, Req) -> Fut,
    Fut: Future<Output = Result<S, E>>,
    S: Stream<Item = Result<M, E>> + Send + 'static,
    E: Into<Error> + 'static,
    M: Send + 'static,
{
    let (context, message) = CallContext::split(request).map_err(to_status)?;
    let items = handle(app, context, message)
        .await
        .map_err(|error| to_status(error.into()))?;
    Ok(Response::new(
        items
            .map(|item| item.map_err(|error| to_status(error.into())))
            .boxed(),
    ))
}
