//! Ends a forwarded stream with a status in its trailers instead of a broken connection.

use carshare_chassis::Lang;
use futures::stream;
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use tonic::body::Body;

use crate::stream_end::StreamEnd;

/// Passes the body on until `end` resolves, then sends its error as trailers.
pub(super) fn end_with_status(body: Body, end: StreamEnd, lang: Lang) -> Body {
    // A response without a body has its status in the headers.
    if body.is_end_stream() {
        return body;
    }
    let frames = stream::unfold(Some((body, end)), move |state| async move {
        let (mut body, mut end) = state?;
        tokio::select! {
            biased;
            error = &mut end => Some((Ok(Frame::trailers(error.into_trailers(lang))), None)),
            frame = body.frame() => Some((frame?, Some((body, end)))),
        }
    });
    Body::new(StreamBody::new(frames))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use carshare_chassis::Error;
    use carshare_proto::common::v1::ErrorReason as Common;
    use futures::FutureExt as _;
    use tonic::{Code, Status};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silent_stream_ends_with_the_error_in_its_trailers() {
        let silent = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Status>>());
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
