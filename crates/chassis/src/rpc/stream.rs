//! Glue for RPCs that stream from the server.

use std::future::Future;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{FutureExt as _, Stream, StreamExt as _};
use prost::Message;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Request, Response, Status};

use super::{Context, refused};
use crate::error::Error;
use crate::scope::Scope;

/// What the tonic trait wants as its stream type.
pub type ReplyStream<M> = BoxStream<'static, Result<M, Status>>;

/// A client that lost its stream to a drain finds another replica after this.
const COME_BACK: Duration = Duration::from_millis(500);

/// Calls the handler of a server-streaming RPC.
///
/// The stream runs in the scope of the call and ends at its first error. When the server drains, it ends with
/// `UNAVAILABLE` and `RetryInfo`, so that the client resumes elsewhere: a stream may otherwise live for ever.
pub async fn server_stream<'a, A, Req, M, S, E, F, Fut>(
    app: &'a A,
    request: Request<Req>,
    handle: F,
) -> Result<Response<ReplyStream<M>>, Status>
where
    Req: Message,
    F: FnOnce(&'a A, Context, Req) -> Fut,
    Fut: Future<Output = Result<S, E>>,
    S: Stream<Item = Result<M, E>> + Send + 'static,
    E: Into<Error> + 'static,
    M: Send + 'static,
{
    let (context, message) = Context::split(request).map_err(refused)?;
    let items = handle(app, context, message)
        .await
        .map_err(|error| refused(error.into()))?;
    let items = items.map(|item| item.map_err(Into::into)).boxed();
    // `split` has seen the scope, so there is one.
    let scope = Scope::current().unwrap_or_else(|| Scope::background("", None));
    let draining = Box::pin(scope.draining().cancelled_owned());
    Ok(Response::new(
        Supervised {
            scope,
            items,
            draining,
            over: false,
        }
        .boxed(),
    ))
}

/// A stream that runs in a scope, ends at its first error and ends when the server drains.
struct Supervised<M> {
    scope: Scope,
    items: BoxStream<'static, Result<M, Error>>,
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
    over: bool,
}

impl<M> Stream for Supervised<M> {
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let next = this.scope.clone().enter(|| {
            if this.draining.poll_unpin(cx).is_ready() {
                return Poll::Ready(Some(Err(Error::unavailable("this server, draining,", COME_BACK))));
            }
            this.items.poll_next_unpin(cx)
        });
        let next = ready!(next);
        this.over = !matches!(next, Some(Ok(_)));
        Poll::Ready(next.map(|item| item.map_err(|error| this.scope.clone().enter(|| refused(error)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    fn supervised(items: impl Stream<Item = Result<u8, Error>> + Send + 'static) -> (ReplyStream<u8>, Scope) {
        let scope = Scope::background("c", None);
        let draining = Box::pin(scope.draining().cancelled_owned());
        (
            Supervised {
                scope: scope.clone(),
                items: items.boxed(),
                draining,
                over: false,
            }
            .boxed(),
            scope,
        )
    }

    #[tokio::test]
    async fn items_pass_in_the_scope_of_the_call() {
        let items = futures::stream::iter([1, 2]).map(|n| match Scope::current() {
            Some(scope) if scope.correlation_id() == "c" => Ok(n),
            _ => Err(Error::internal(anyhow::anyhow!("no scope"))),
        });
        let got: Vec<_> = supervised(items).0.map(Result::unwrap).collect().await;
        assert_eq!(got, [1, 2]);
    }

    #[tokio::test]
    async fn the_first_error_is_the_last_item() {
        let items = [Ok(1), Err(Error::internal(anyhow::anyhow!("x"))), Ok(2)];
        let got: Vec<_> = supervised(futures::stream::iter(items))
            .0
            .map(|i| i.map_err(|s| s.code()))
            .collect()
            .await;
        assert_eq!(got, [Ok(1), Err(Code::Internal)]);
    }

    #[tokio::test]
    async fn a_drain_ends_a_stream_that_would_live_for_ever() {
        let (stream, scope) = supervised(futures::stream::iter([Ok(1)]).chain(futures::stream::pending()));
        let mut stream = stream;
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        scope.draining().cancel();
        assert_eq!(
            stream.next().await.unwrap().unwrap_err().code(),
            Code::Unavailable
        );
        assert!(stream.next().await.is_none());
    }
}
