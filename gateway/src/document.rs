//! Documents that change with a release only: the API document and its pages. They have an `ETag`, and each is compressed once for each
//! content coding.

use std::sync::OnceLock;

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::compression::Encoding;
use crate::etag;

/// Clients ask again after five minutes, so that a release is seen by then.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

#[derive(Debug)]
pub struct Document {
    content_type: HeaderValue,
    body: Bytes,
    tag: HeaderValue,
    /// By [`Encoding`], made at the first request for it.
    compressed: [OnceLock<Bytes>; 3],
}

impl Document {
    pub fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            content_type: HeaderValue::from_static(content_type),
            tag: etag::of(&body),
            body,
            compressed: Default::default(),
        }
    }

    /// Returns the document in a coding that the client accepts, or 304 when it has the document.
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let kept = [
            (CACHE_CONTROL, CACHE),
            (ETAG, self.tag.clone()),
            (VARY, HeaderValue::from_name(ACCEPT_ENCODING)),
        ];
        if etag::is_known(request, &self.tag) {
            return (StatusCode::NOT_MODIFIED, kept).into_response();
        }
        let content_type = [(CONTENT_TYPE, self.content_type.clone())];
        match Encoding::accepted(request).and_then(|encoding| Some((encoding, self.encoded(encoding)?))) {
            Some((encoding, body)) => {
                let encoding = [(CONTENT_ENCODING, encoding.as_str())];
                (kept, content_type, encoding, body).into_response()
            }
            None => (kept, content_type, self.body.clone()).into_response(),
        }
    }

    fn encoded(&self, encoding: Encoding) -> Option<Bytes> {
        let cell = &self.compressed[encoding as usize];
        if let Some(bytes) = cell.get() {
            return Some(bytes.clone());
        }
        let bytes = Bytes::from(encoding.encode(&self.body).ok()?);
        Some(cell.get_or_init(|| bytes).clone())
    }
}

#[cfg(test)]
mod tests {
    use http::header::IF_NONE_MATCH;
    use http_body_util::BodyExt as _;

    use super::*;

    async fn response(request: &[(http::HeaderName, &str)]) -> (StatusCode, HeaderMap, Bytes) {
        let document = Document::new("text/html; charset=utf-8", "<p>예약</p>".repeat(500));
        let request = request
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let (head, body) = document.respond(&request.collect()).into_parts();
        (
            head.status,
            head.headers,
            body.collect().await.unwrap().to_bytes(),
        )
    }

    #[tokio::test]
    async fn document_is_sent_in_the_accepted_coding() {
        let (status, headers, plain) = response(&[]).await;
        assert_eq!((status, plain.len()), (StatusCode::OK, 500 * 13));
        assert_eq!(headers[CACHE_CONTROL], "public, max-age=300");
        assert!(!headers.contains_key(CONTENT_ENCODING));
        let (_, headers, zstd) = response(&[(ACCEPT_ENCODING, "gzip, zstd")]).await;
        assert_eq!(
            (&headers[CONTENT_ENCODING], &headers[VARY]),
            (&"zstd".parse().unwrap(), &"accept-encoding".parse().unwrap())
        );
        assert_eq!(zstd::bulk::decompress(&zstd, plain.len()).unwrap(), plain);
    }

    #[tokio::test]
    async fn client_that_has_the_document_gets_304_without_a_body() {
        let (_, headers, _) = response(&[]).await;
        let tag = headers[ETAG].to_str().unwrap();
        let (status, headers, body) = response(&[(IF_NONE_MATCH, tag)]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(headers[ETAG], tag);
        assert_eq!(response(&[(IF_NONE_MATCH, "\"other\"")]).await.0, StatusCode::OK);
    }
}
