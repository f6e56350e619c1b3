//! The body of a request as it arrives. A body that breaks off is a cancellation by the caller, whatever HTTP/2 code ends it: tonic
//! would make `INTERNAL` of most of them, which is the code of a defect.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tower::BoxError;

use crate::error::error_chain;
use crate::request_context::RequestContext;

pub struct RequestBody<B> {
    inner: B,
    context: RequestContext,
}

impl<B> RequestBody<B> {
    pub fn new(inner: B, context: RequestContext) -> Self {
        Self { inner, context }
    }
}

impl<B> http_body::Body for RequestBody<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(polled.map(|frame| {
            frame.map_err(|error| {
                let error = error.into();
                tracing::debug!(error = error_chain(&*error), "the request broke off");
                self.context.record_cancellation();
                Status::cancelled("the request broke off")
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
