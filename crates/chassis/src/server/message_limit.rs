//! Refuses request bodies larger than accepted, before they are decoded.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason as Common;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::error::Error;
use crate::lang::Lang;

/// A gRPC message is preceded by five bytes.
const PREFIX_BYTES: usize = 5;

/// A body that may hold one message of at most `max_message_bytes`.
pub(super) fn one_message(body: Body, max_message_bytes: usize, lang: Lang) -> Body {
    Body::new(Limited {
        inner: body,
        left_bytes: max_message_bytes.saturating_add(PREFIX_BYTES),
        lang,
    })
}

struct Limited {
    inner: Body,
    left_bytes: usize,
    lang: Lang,
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let bytes = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        match self.left_bytes.checked_sub(bytes) {
            Some(left) => self.left_bytes = left,
            None => return Poll::Ready(Some(Err(Error::new(Common::TooLarge).into_status(self.lang)))),
        }
        Poll::Ready(frame)
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
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    async fn read(bytes: usize, max: usize) -> Result<usize, tonic::Code> {
        let body = Body::new(Full::new(Bytes::from(vec![0; bytes])));
        let read = one_message(body, max, Lang::En).collect().await;
        read.map(|body| body.to_bytes().len())
            .map_err(|status| status.code())
    }

    #[tokio::test]
    async fn a_message_may_be_as_large_as_the_limit_and_no_larger() {
        assert_eq!(read(15, 10).await, Ok(15));
        assert_eq!(read(16, 10).await, Err(tonic::Code::ResourceExhausted));
    }
}
