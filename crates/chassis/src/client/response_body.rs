//! The body of a reply: bounded by the deadline, and a connection that breaks in the middle of it is `UNAVAILABLE`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::lang::Lang;

/// A broken connection is made again within this.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Puts the bounds around a reply's body.
pub(super) fn bounded(body: Body, peer: &'static str, deadline: Option<Deadline>, lang: Lang) -> Body {
    let deadline = deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline.instant())));
    Body::new(Bounded {
        inner: body,
        peer,
        deadline,
        lang,
    })
}

/// The peer's transport failed.
pub(super) fn unavailable(peer: &str, cause: String) -> Error {
    Error::unavailable(format!("{peer}: {cause}"), RETRY_AFTER)
}

struct Bounded {
    inner: Body,
    peer: &'static str,
    deadline: Option<Pin<Box<Sleep>>>,
    lang: Lang,
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        if polled.is_pending()
            && this
                .deadline
                .as_mut()
                .is_some_and(|deadline| deadline.poll_unpin(cx).is_ready())
        {
            let late = Error::new(Common::DeadlineExceeded).into_status(this.lang);
            return Poll::Ready(Some(Err(late)));
        }
        // The peer's own status comes in a frame of trailers; an error here is the transport's.
        let frame = ready!(polled);
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|broken| unavailable(this.peer, error_chain(&broken)).into_status(this.lang))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
