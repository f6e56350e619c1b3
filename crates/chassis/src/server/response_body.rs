//! The body of a response, watched until its trailers: it runs in the scope of the call, ends at the deadline, ends when
//! the server drains (if it is a stream), and a panic in it is an error like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use http::header::CONTENT_TYPE;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;

use super::call::Call;
use crate::error::Error;
use crate::task::panic_text;

/// A client that lost its stream to a drain finds another replica after this.
const RETRY_AFTER: Duration = Duration::from_millis(500);

pub(super) struct ObservedBody {
    inner: Body,
    call: Call,
    deadline: Option<Pin<Box<Sleep>>>,
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    over: bool,
}

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

impl ObservedBody {
    pub(super) fn new(inner: Body, call: Call) -> Self {
        let scope = call.scope();
        let deadline = scope
            .deadline()
            .map(|deadline| Box::pin(tokio::time::sleep_until(deadline.instant())));
        // A unary reply is on its way already; a stream might never end.
        let streams = call.method().streaming().server;
        let draining = streams.then(|| Box::pin(scope.draining().cancelled_owned()));
        Self {
            inner,
            call,
            deadline,
            draining,
            over: false,
        }
    }

    /// Why the stream must end now, if it must.
    fn interrupted(&mut self, cx: &mut Context<'_>) -> Option<Error> {
        if self
            .draining
            .as_mut()
            .is_some_and(|draining| draining.poll_unpin(cx).is_ready())
        {
            return Some(Error::unavailable("the server is draining", RETRY_AFTER));
        }
        let late = self
            .deadline
            .as_mut()
            .is_some_and(|deadline| deadline.poll_unpin(cx).is_ready());
        late.then(|| Error::new(Common::DeadlineExceeded))
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Result<Polled, Error> {
        let inner = &mut self.inner;
        let _in_span = self.call.span().clone().entered();
        let scope = self.call.scope().clone();
        let polled = scope.enter(|| catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx))));
        polled.map_err(|panic| Error::internal(anyhow::anyhow!("panicked: {}", panic_text(&*panic))))
    }

    /// Ends the stream with trailers that carry the error.
    fn end_with(&mut self, error: Error) -> Polled {
        let (parts, ()) = self.call.refuse(error).map(drop).into_parts();
        let mut trailers = parts.headers;
        trailers.remove(CONTENT_TYPE);
        self.finish(Status::from_header_map(&trailers).as_ref());
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn finish(&mut self, status: Option<&Status>) {
        self.over = true;
        self.call
            .finish(status.unwrap_or(&Status::unknown("the reply has no status")));
    }
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        if let Some(error) = this.interrupted(cx) {
            return this.end_with(error);
        }
        match this.poll_inner(cx) {
            Err(error) => this.end_with(error),
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(frame)) => {
                match &frame {
                    None => this.finish(None),
                    Some(Err(status)) => this.finish(Some(status)),
                    Some(Ok(frame)) => {
                        if let Some(trailers) = frame.trailers_ref() {
                            this.finish(Status::from_header_map(trailers).as_ref());
                        }
                    }
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
