//! Streams: messages in envelopes, which gRPC frames the same way, and a last envelope with the status.

use std::sync::Arc;

use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::{Buf as _, Bytes, BytesMut};
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::{Stream, TryStreamExt as _, stream};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::BodyExt as _;
use tonic::Status;
use tower::ServiceExt as _;

use super::codec::Codec;
use super::{Call, PREFIX_BYTES, envelope, error};
use crate::layer::Inner;

const CONTENT_ENCODING: &str = "connect-content-encoding";

pub(super) async fn call<S>(call: Call, inner: S, head: Parts, body: Body) -> Result<Response, Status>
where
    S: Inner<Future: Send> + Send,
{
    let encoding = call.asked.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Status::unimplemented(
            "the supported encoding of envelopes is identity",
        ));
    }
    let call = Arc::new(call);
    let body = match call.codec {
        Codec::Proto => body,
        Codec::Json { .. } => Body::from_stream(requests(Arc::clone(&call), body)),
    };
    let Ok(response) = inner.oneshot(Request::from_parts(head, body)).await;
    let (mut head, body) = response.into_parts();
    let refused = Status::from_header_map(&head.headers);
    head.headers.insert(CONTENT_TYPE, call.form.content_type());
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        head.headers.remove(name);
    }
    let body = match refused {
        Some(status) => Body::from(error::end_stream(&status)),
        None => Body::from_stream(replies(call, body)),
    };
    Ok(Response::from_parts(head, body))
}

/// Converts the messages of the request, each up to the limit.
fn requests(call: Arc<Call>, body: Body) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let state = (call, body.into_data_stream(), BytesMut::new());
    stream::try_unfold(state, async |(call, mut body, mut buffer)| {
        while let Some(chunk) = body.try_next().await? {
            buffer.extend_from_slice(&chunk);
            let mut frames = BytesMut::new();
            while let Some(message) = next_message(&mut buffer, call.max_bytes, &call)? {
                frames.extend_from_slice(&envelope(0, &call.codec.decode(message, call.lang)?)?);
            }
            if !frames.is_empty() {
                return Ok(Some((frames.freeze(), (call, body, buffer))));
            }
        }
        Ok(None)
    })
}

/// Converts the frames of the reply, and its trailers to the last envelope.
fn replies(call: Arc<Call>, body: Body) -> impl Stream<Item = Result<Bytes, Status>> + Send {
    let state = Some((call, body, BytesMut::new()));
    stream::unfold(state, async |state| {
        let (call, mut body, mut buffer) = state?;
        loop {
            let Some(Ok(frame)) = body.frame().await else {
                let status = Status::unavailable("the stream broke off");
                return Some((Ok(error::end_stream(&status)), None));
            };
            match frame.into_data() {
                Ok(data) => match call.encode(data, &mut buffer) {
                    Ok(envelopes) if envelopes.is_empty() => {}
                    Ok(envelopes) => return Some((Ok(envelopes), Some((call, body, buffer)))),
                    Err(status) => return Some((Ok(error::end_stream(&status)), None)),
                },
                Err(frame) => {
                    let status = frame.trailers_ref().and_then(Status::from_header_map);
                    let status = status.unwrap_or_else(|| Status::unknown("the stream has no status"));
                    return Some((Ok(error::end_stream(&status)), None));
                }
            }
        }
    })
}

impl Call {
    /// Returns the whole messages that the data completes.
    fn encode(&self, data: Bytes, buffer: &mut BytesMut) -> Result<Bytes, Status> {
        if matches!(self.codec, Codec::Proto) {
            return Ok(data);
        }
        buffer.extend_from_slice(&data);
        let mut envelopes = BytesMut::new();
        while let Some(message) = next_message(buffer, usize::MAX, self)? {
            envelopes.extend_from_slice(&envelope(0, &self.codec.encode(&message)?)?);
        }
        Ok(envelopes.freeze())
    }
}

/// Removes the first message from the buffer; `None` until it is whole.
fn next_message(buffer: &mut BytesMut, max_bytes: usize, call: &Call) -> Result<Option<Vec<u8>>, Status> {
    let Some(&[flag, a, b, c, d]) = buffer.first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > max_bytes {
        return Err(Error::new(Common::TooLarge).into_status(call.lang));
    }
    if flag != 0 {
        return Err(
            Error::invalid("", "지원하지 않는 압축입니다.", "a compressed envelope").into_status(call.lang),
        );
    }
    if buffer.len() < PREFIX_BYTES + length {
        return Ok(None);
    }
    buffer.advance(PREFIX_BYTES);
    Ok(Some(buffer.split_to(length).to_vec()))
}
