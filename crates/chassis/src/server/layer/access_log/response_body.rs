//! The body of a response until its trailers. One wrapper runs it in the request context, ends it at the deadline, ends a stream
//! when the server drains, turns a panic into an `INTERNAL` status and finishes the [`Record`]: a wrapper for each would box the
//! body each time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use http::HeaderMap;
use http_body::Frame;
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;

use super::Record;
use crate::error::Error;
use crate::server::layer::catch_panic::panicked;

/// Delay after which a client whose stream ended in a drain resumes it at another replica.
const RETRY_AFTER: Duration = Duration::from_millis(500);

pub struct ObservedBody {
    inner: Body,
    record: Record,
    /// Ends the body while it waits for its next frame. `None` until it waits for the first time: most bodies never do.
    waiting: Option<Waiting>,
    ended: bool,
}

struct Waiting {
    deadline: Option<Pin<Box<Sleep>>>,
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

impl ObservedBody {
    pub fn new(inner: Body, record: Record) -> Self {
        Self {
            inner,
            record,
            waiting: None,
            ended: false,
        }
    }

    /// Returns the error that ends the body now, if there is one.
    fn interruption(&self) -> Option<Error> {
        let context = &self.record.context;
        // A unary response ends by itself; a stream may not.
        if self.record.method.streaming().server && context.draining().is_cancelled() {
            return Some(Error::unavailable("the server is draining", RETRY_AFTER));
        }
        let is_late = context.deadline().is_some_and(|deadline| deadline.is_expired());
        is_late.then(|| Error::new(Common::DeadlineExceeded))
    }

    /// Wakes the task when the body is interrupted, and returns whether it is now.
    fn poll_interruption(&mut self, cx: &mut Context<'_>) -> bool {
        let record = &self.record;
        let waiting = self.waiting.get_or_insert_with(|| Waiting::new(record));
        let draining = waiting.draining.as_mut();
        let deadline = waiting.deadline.as_mut();
        draining.is_some_and(|draining| draining.poll_unpin(cx).is_ready())
            || deadline.is_some_and(|deadline| deadline.poll_unpin(cx).is_ready())
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Result<Polled, Error> {
        let inner = &mut self.inner;
        let _in_span = self.record.span.enter();
        let poll = || {
            catch_unwind(AssertUnwindSafe(|| {
                http_body::Body::poll_frame(Pin::new(inner), cx)
            }))
        };
        let polled = self.record.context.clone().enter(poll);
        polled.map_err(|panic| panicked(&*panic))
    }

    /// Ends the body with trailers that carry the error.
    fn end_with(&mut self, error: Error) -> Polled {
        self.record.context.record_error(&error);
        let status = error.into_status(self.record.context.lang());
        self.finish(Some(&status));
        let mut trailers = HeaderMap::new();
        // Fails on bytes that no header can have; the encoded status has none.
        let _ = status.add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn finish(&mut self, status: Option<&Status>) {
        self.ended = true;
        let missing = Status::unknown("the response has no status");
        self.record.finish(status.unwrap_or(&missing));
    }
}

impl Waiting {
    fn new(record: &Record) -> Self {
        let context = &record.context;
        let sleep = |deadline: crate::Deadline| Box::pin(tokio::time::sleep_until(deadline.instant()));
        let is_stream = record.method.streaming().server;
        Self {
            deadline: context.deadline().map(sleep),
            draining: is_stream.then(|| Box::pin(context.draining().clone().cancelled_owned())),
        }
    }
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        if let Some(error) = this.interruption() {
            return this.end_with(error);
        }
        let polled = match this.poll_inner(cx) {
            Ok(polled) => polled,
            Err(error) => return this.end_with(error),
        };
        match &polled {
            Poll::Pending => {
                if this.poll_interruption(cx)
                    && let Some(error) = this.interruption()
                {
                    return this.end_with(error);
                }
            }
            Poll::Ready(None) => this.finish(None),
            Poll::Ready(Some(Err(status))) => this.finish(Some(status)),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.finish(Status::from_header_map(trailers).as_ref());
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
