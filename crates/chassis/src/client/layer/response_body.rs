//! Ends a response body at the deadline, and turns a connection that breaks inside it into `UNAVAILABLE`. An own layer: tower-http's
//! body timeout restarts with each frame.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

use super::{ClientCall, Inner, Result};
use crate::client::transport;
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::lang::Lang;

pub fn limit<S: Inner>((): &(), inner: &mut S, call: ClientCall) -> impl Future<Output = Result> + use<S> {
    let (peer, lang, deadline) = (call.peer, call.lang(), call.deadline);
    let running = inner.call(call);
    async move {
        let limited = |inner| LimitedBody {
            inner,
            peer,
            deadline,
            sleep: None,
            lang,
        };
        Ok(running.await?.map(|body| Body::new(limited(body))))
    }
}

struct LimitedBody {
    inner: Body,
    peer: &'static str,
    deadline: Option<Deadline>,
    /// `None` until the body waits for the first time: most bodies never do.
    sleep: Option<Pin<Box<Sleep>>>,
    lang: Lang,
}

impl http_body::Body for LimitedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        if polled.is_pending()
            && let Some(deadline) = this.deadline
            && this
                .sleep
                .get_or_insert_with(|| Box::pin(sleep_until(deadline.instant())))
                .poll_unpin(cx)
                .is_ready()
        {
            let late = Error::new(Common::DeadlineExceeded).into_status(this.lang);
            return Poll::Ready(Some(Err(late)));
        }
        // The peer's status comes in trailers; an error here is of the transport.
        Poll::Ready(ready!(polled).map(|frame| {
            frame.map_err(|error| {
                transport::unavailable(this.peer, error_chain(&error)).into_status(this.lang)
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http::Response;
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::Code;

    use super::super::tests::{call, run};
    use super::*;

    async fn failure(body: fn() -> Body) -> Code {
        let handler = async |_| Ok(Response::new(body()));
        let response = run((), limit, call(), handler).await.unwrap();
        response.into_body().collect().await.unwrap_err().code()
    }

    #[tokio::test(start_paused = true)]
    async fn body_ends_at_the_deadline_and_a_broken_one_is_unavailable() {
        type Frames = Vec<std::result::Result<Frame<Bytes>, Status>>;
        let silent = || {
            Body::new(StreamBody::new(
                stream::pending::<std::result::Result<_, Status>>(),
            ))
        };
        assert_eq!(failure(silent).await, Code::DeadlineExceeded);
        let broken = || {
            let frames: Frames = vec![Err(Status::unknown("reset"))];
            Body::new(StreamBody::new(stream::iter(frames)))
        };
        assert_eq!(failure(broken).await, Code::Unavailable);
    }
}
