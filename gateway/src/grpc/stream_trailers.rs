//! Ends a forwarded stream with a status in its trailers instead of a broken connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use carshare_chassis::Lang;
use futures::FutureExt as _;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::stream_end::StreamEnd;

/// Passes the body on until `end` resolves, then sends its error as trailers.
pub(super) fn end_with_status(inner: Body, end: StreamEnd, lang: Lang) -> Body {
    Body::new(EndableBody {
        inner,
        end,
        lang,
        is_over: false,
    })
}

struct EndableBody {
    inner: Body,
    end: StreamEnd,
    lang: Lang,
    is_over: bool,
}

impl http_body::Body for EndableBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let Poll::Ready(error) = self.end.poll_unpin(cx) else {
            return Pin::new(&mut self.inner).poll_frame(cx);
        };
        self.is_over = true;
        let response = error.into_status(self.lang).into_http::<()>();
        let mut trailers = response.into_parts().0.headers;
        trailers.remove(CONTENT_TYPE);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use carshare_chassis::Error;
    use carshare_proto::common::v1::ErrorReason as Common;
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::Code;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silent_stream_ends_with_the_error_in_its_trailers() {
        let silent = StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Status>>());
        let end = std::future::ready(Error::new(Common::TokenExpired)).boxed();
        let body = end_with_status(Body::new(silent), end, Lang::En);
        let collected = body.collect().await.unwrap();
        let status = Status::from_header_map(collected.trailers().unwrap()).unwrap();
        assert_eq!(
            (status.code(), status.message()),
            (
                Code::Unauthenticated,
                "Your sign-in has expired. Please sign in again."
            )
        );
    }
}
