//! A passed-through stream ends when the gateway drains: with a status that sends the client to another gateway, instead
//! of a connection that breaks at the end of the drain.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use carshare_chassis::{Error, Lang, Shutdown};
use futures::FutureExt as _;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;

use crate::refusal::COME_BACK;

/// The body until `draining` fires, then trailers that say `UNAVAILABLE`.
pub(super) fn until(body: Body, draining: &Shutdown, lang: Lang) -> Body {
    let draining = Box::pin(draining.token().clone().cancelled_owned());
    Body::new(Drained {
        inner: body,
        draining,
        lang,
        over: false,
    })
}

struct Drained {
    inner: Body,
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
    lang: Lang,
    over: bool,
}

impl http_body::Body for Drained {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if self.draining.poll_unpin(cx).is_pending() {
            return Pin::new(&mut self.inner).poll_frame(cx);
        }
        self.over = true;
        let status = Error::unavailable("the gateway, draining,", COME_BACK).into_status(self.lang);
        let mut trailers = status.into_http::<()>().into_parts().0.headers;
        trailers.remove(CONTENT_TYPE);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn a_silent_stream_ends_with_trailers_when_the_gateway_drains() {
        let silent = StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Status>>());
        let draining = Shutdown::new();
        let body = until(Body::new(silent), &draining, Lang::En);
        draining.trigger();
        let collected = body.collect().await.unwrap();
        let status = Status::from_header_map(collected.trailers().unwrap()).unwrap();
        assert_eq!(status.code(), Code::Unavailable);
    }
}
