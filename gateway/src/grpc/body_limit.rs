//! A passed-through stream that has to end does so with a status that says why, instead of a connection that breaks.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use carshare_chassis::Lang;
use futures::FutureExt as _;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::stream_end::Ending;

/// The body until its ending comes, then trailers that carry the reason.
pub(super) fn by(body: Body, ending: Ending, lang: Lang) -> Body {
    Body::new(Bounded {
        inner: body,
        ending,
        lang,
        over: false,
    })
}

struct Bounded {
    inner: Body,
    ending: Ending,
    lang: Lang,
    over: bool,
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let Poll::Ready(error) = self.ending.poll_unpin(cx) else {
            return Pin::new(&mut self.inner).poll_frame(cx);
        };
        self.over = true;
        let mut trailers = error
            .into_status(self.lang)
            .into_http::<()>()
            .into_parts()
            .0
            .headers;
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
    use carshare_chassis::Error;
    use carshare_proto::common::v1::ErrorReason as Common;
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn a_silent_stream_ends_with_trailers_that_say_why() {
        let silent = StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Status>>());
        let ending = std::future::ready(Error::new(Common::TokenExpired)).boxed();
        let collected = by(Body::new(silent), ending, Lang::En).collect().await.unwrap();
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
