//! The limit on the size of a request message, enforced while the body is read.

use bytes::Bytes;
use carshare_proto::common::v1::ErrorReason as Common;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::Status;
use tonic::body::Body;
use tower::BoxError;

use crate::error::Error;
use crate::lang::Lang;

/// Bytes before each message in the gRPC protocol: a compression flag and the length.
const PREFIX_BYTES: usize = 5;

/// Limits a gRPC body that holds one message. A larger message fails with `TOO_LARGE`, a body that cannot be read with
/// `INVALID_ARGUMENT`, in the caller's language.
pub fn limited<B>(body: B, max_message_bytes: usize, lang: Lang) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let limited = Limited::new(body, max_message_bytes.saturating_add(PREFIX_BYTES));
    Body::new(limited.map_err(move |error| status(error, lang)))
}

fn status(error: BoxError, lang: Lang) -> Status {
    let error = match error.downcast::<Status>() {
        Ok(status) => return *status,
        Err(error) if error.is::<LengthLimitError>() => Error::new(Common::TooLarge),
        Err(error) => Error::new(Common::InvalidArgument).cause(anyhow::Error::from_boxed(error)),
    };
    error.into_status(lang)
}

#[cfg(test)]
mod tests {
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};
    use tonic::Code;

    use super::*;

    async fn read<B>(body: B, max_message_bytes: usize) -> Result<usize, Code>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let read = limited(body, max_message_bytes, Lang::En).collect().await;
        read.map(|body| body.to_bytes().len())
            .map_err(|status| status.code())
    }

    #[tokio::test]
    async fn message_up_to_the_limit_passes() {
        let body = |bytes| Full::new(Bytes::from(vec![0; bytes]));
        assert_eq!(read(body(15), 10).await, Ok(15));
        assert_eq!(read(body(16), 10).await, Err(Code::ResourceExhausted));
    }

    #[tokio::test]
    async fn unreadable_body_is_invalid_and_a_status_passes_unchanged() {
        let failing =
            |error: BoxError| StreamBody::new(futures::stream::iter([Err::<Frame<Bytes>, _>(error)]));
        assert_eq!(
            read(failing("reset".into()), 10).await,
            Err(Code::InvalidArgument)
        );
        assert_eq!(
            read(failing(Status::cancelled("gone").into()), 10).await,
            Err(Code::Cancelled)
        );
    }
}
