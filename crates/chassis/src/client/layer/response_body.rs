//! Ends a response body at the deadline with `DEADLINE_EXCEEDED`, and one whose connection breaks with `UNAVAILABLE`. Both are written as
//! trailers, so that a proxy of the body passes a status on and not a broken stream. An own layer: tower-http's body timeout restarts with
//! each frame.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::{FutureExt as _, TryFutureExt as _};
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
    let limited = move |inner| LimitedBody {
        inner,
        peer,
        deadline,
        sleep: None,
        lang,
        ended: false,
    };
    inner
        .call(call)
        .map_ok(move |response| response.map(|body| Body::new(limited(body))))
}

struct LimitedBody {
    inner: Body,
    peer: &'static str,
    deadline: Option<Deadline>,
    /// `None` until the body waits for the first time: most bodies never do.
    sleep: Option<Pin<Box<Sleep>>>,
    lang: Lang,
    /// The trailers were passed on or written.
    ended: bool,
}

type Polled = Poll<Option<std::result::Result<Frame<Bytes>, Status>>>;

impl LimitedBody {
    fn end_with(&mut self, error: Error) -> Polled {
        self.ended = true;
        Poll::Ready(Some(Ok(Frame::trailers(error.into_trailers(self.lang)))))
    }
}

impl http_body::Body for LimitedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        if polled.is_pending()
            && let Some(deadline) = this.deadline
            && this
                .sleep
                .get_or_insert_with(|| Box::pin(sleep_until(deadline.instant())))
                .poll_unpin(cx)
                .is_ready()
        {
            return this.end_with(Error::new(Common::DeadlineExceeded));
        }
        let frame = ready!(polled);
        match &frame {
            // The peer's status comes in trailers; an error here is of the transport.
            Some(Err(error)) => {
                let cause = error_chain(error);
                tracing::warn!(peer = this.peer, cause, "the response broke off");
                return this.end_with(transport::unavailable(this.peer, cause));
            }
            Some(Ok(frame)) => this.ended = frame.is_trailers(),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::stream;
    use http::Response;
    use http_body_util::{BodyExt as _, StreamBody};
    use tokio::time::Instant;
    use tonic::Code;

    use super::super::tests::{call, run};
    use super::*;

    type Frames = Vec<std::result::Result<Frame<Bytes>, Status>>;

    /// Returns the bytes of the limited body and the code in its trailers.
    async fn read(body: fn() -> Body) -> (Bytes, Code) {
        let handler = async |_| Ok(Response::new(body()));
        let response = run((), limit, call(), handler).await.unwrap();
        let read = response.into_body().collect().await.unwrap();
        let status = Status::from_header_map(read.trailers().unwrap()).unwrap();
        assert!(!status.details().is_empty());
        (read.to_bytes(), status.code())
    }

    #[tokio::test(start_paused = true)]
    async fn silent_body_ends_at_the_deadline_with_its_status() {
        let silent = || {
            Body::new(StreamBody::new(
                stream::pending::<std::result::Result<_, Status>>(),
            ))
        };
        let started = Instant::now();
        assert_eq!(read(silent).await, (Bytes::new(), Code::DeadlineExceeded));
        assert_eq!(started.elapsed(), Duration::from_mins(1));
    }

    #[tokio::test(start_paused = true)]
    async fn broken_body_ends_as_unavailable_after_its_messages() {
        let broken = || {
            let frames: Frames = vec![Ok(Frame::data("a".into())), Err(Status::unknown("reset"))];
            Body::new(StreamBody::new(stream::iter(frames)))
        };
        assert_eq!(read(broken).await, (Bytes::from("a"), Code::Unavailable));
    }

    #[tokio::test(start_paused = true)]
    async fn connection_that_breaks_after_the_trailers_changes_nothing() {
        let broken_late = || {
            let trailers = Error::new(Common::NotFound).into_trailers(Lang::En);
            let frames: Frames = vec![Ok(Frame::trailers(trailers)), Err(Status::unknown("reset"))];
            Body::new(StreamBody::new(stream::iter(frames)))
        };
        assert_eq!(read(broken_late).await, (Bytes::new(), Code::NotFound));
    }
}
