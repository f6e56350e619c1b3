//! Compresses the reply of a unary call with gzip, for clients that accept it. A small reply gets neither a header nor another body.

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use tonic::Status;
use tonic::body::Body;

use crate::compression::{COMPRESSED_BYTES, Encoding};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// A compression flag and the length precede each message.
const PREFIX_BYTES: usize = 5;

/// Returns whether the client accepts gzip. Some client libraries always do.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(GRPC_ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    accepted.is_some_and(|codings| codings.split(',').any(|coding| coding.trim() == "gzip"))
}

/// Reads the reply and compresses its message if that makes it smaller. A reply above the largest compressed size is passed on as it
/// arrives. An error has its status in the headers and no body; it stays without one, because gRPC clients refuse an empty data frame there.
pub(super) async fn compress(response: Response<Body>) -> Result<Response<Body>, Status> {
    if response.body().is_end_stream() {
        return Ok(response);
    }
    let (mut head, mut body) = response.into_parts();
    let mut message = BytesMut::new();
    let mut trailers = None;
    while !body.is_end_stream() && message.len() <= COMPRESSED_BYTES.end() + PREFIX_BYTES {
        match body.frame().await.transpose()?.map(Frame::into_data) {
            Some(Ok(data)) => message.extend_from_slice(&data),
            Some(Err(other)) => trailers = Some(other),
            None => break,
        }
    }
    let mut message = message.freeze();
    if let Some(smaller) = gzipped(&message) {
        message = smaller;
        head.headers
            .insert(GRPC_ENCODING, HeaderValue::from_static("gzip"));
    }
    let data = (!message.is_empty()).then(|| Frame::data(message));
    let read = stream::iter(data.into_iter().chain(trailers).map(Ok));
    let body = StreamBody::new(read.chain(BodyStream::new(body)));
    Ok(Response::from_parts(head, Body::new(body)))
}

/// Returns the compressed frame of a whole message; `None` for one that is not whole, compressed already or not smaller afterwards.
fn gzipped(frame: &Bytes) -> Option<Bytes> {
    let (prefix, message) = frame.split_first_chunk::<PREFIX_BYTES>()?;
    let [flag, length @ ..] = *prefix;
    let is_whole = u32::from_be_bytes(length) as usize == message.len();
    if flag != 0 || !is_whole || !COMPRESSED_BYTES.contains(&message.len()) {
        return None;
    }
    let compressed = Encoding::Gzip.encode(message).ok()?;
    if compressed.len() >= message.len() {
        return None;
    }
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + compressed.len());
    frame.put_u8(1);
    frame.put_u32(u32::try_from(compressed.len()).ok()?);
    frame.put_slice(&compressed);
    Some(frame.freeze())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    /// Returns the frame of the protocol in `chunks` of this many bytes.
    fn reply(message: &[u8], chunk_bytes: usize) -> Response<Body> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let frame = [&[0], &length[..], message].concat();
        let chunks: Vec<_> = frame
            .chunks(chunk_bytes)
            .map(|chunk| Frame::data(Bytes::copy_from_slice(chunk)))
            .collect();
        let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from(0))]);
        let frames = chunks
            .into_iter()
            .chain([Frame::trailers(trailers)])
            .map(Ok::<_, Status>);
        Response::new(Body::new(StreamBody::new(stream::iter(
            frames.collect::<Vec<_>>(),
        ))))
    }

    /// Returns the encoding, the flag and the message of the compressed reply, whose trailers are kept.
    async fn compressed(message: &[u8], chunk_bytes: usize) -> (bool, u8, Vec<u8>) {
        let response = compress(reply(message, chunk_bytes)).await.unwrap();
        let is_gzip = response
            .headers()
            .get(GRPC_ENCODING)
            .is_some_and(|value| value == "gzip");
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        let bytes = body.to_bytes();
        assert_eq!(
            u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize,
            bytes.len() - 5
        );
        (is_gzip, bytes[0], bytes[5..].to_vec())
    }

    #[tokio::test]
    async fn large_reply_is_compressed_and_others_are_unchanged() {
        let large = "booking".repeat(1000).into_bytes();
        for chunk_bytes in [3, 4096, 1 << 20] {
            let (is_gzip, flag, message) = compressed(&large, chunk_bytes).await;
            assert!(is_gzip && flag == 1 && message.len() < 500);
            let mut decoded = Vec::new();
            GzDecoder::new(&*message).read_to_end(&mut decoded).unwrap();
            assert_eq!(decoded, large);
        }
        let small = vec![7; 1023];
        assert_eq!(compressed(&small, 1 << 20).await, (false, 0, small));
        let huge = vec![7; (1 << 20) + 1];
        assert_eq!(compressed(&huge, 1 << 16).await, (false, 0, huge));
    }

    #[test]
    fn gzip_is_used_only_if_the_client_accepts_it() {
        for (value, expected) in [
            ("identity, deflate, gzip", true),
            ("gzip", true),
            ("identity,zstd", false),
        ] {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static(GRPC_ACCEPT_ENCODING),
                value.parse().unwrap(),
            )]);
            assert_eq!(is_accepted(&headers), expected, "{value}");
        }
        assert!(!is_accepted(&HeaderMap::new()));
    }
}
