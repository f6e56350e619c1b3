//! Announces `Connection: close` on responses over HTTP/1 to requests that were not read, because they are too large, of a
//! wrong type or unauthorized. An own layer: hyper closes such a connection, since unread bytes precede the next request,
//! but does not announce it, and a client that keeps the connection would lose its next request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use http::header::CONNECTION;
use http::{HeaderValue, Version};
use http_body::Body as _;

/// Bodies up to this size arrive with the head of the request, and hyper skips them.
const SKIPPED_BYTES: u64 = 4096;

pub async fn announce(request: Request, next: Next) -> Response {
    let length = request.body().size_hint().exact();
    if request.version() > Version::HTTP_11 || length.is_some_and(|bytes| bytes <= SKIPPED_BYTES) {
        return next.run(request).await;
    }
    let is_read = Arc::new(AtomicBool::new(false));
    let at_end = Arc::clone(&is_read);
    let end = std::iter::from_fn(move || {
        at_end.store(true, Ordering::Relaxed);
        None
    });
    let observed = request.map(|body| Body::from_stream(body.into_data_stream().chain(stream::iter(end))));
    let mut response = next.run(observed).await;
    if !is_read.load(Ordering::Relaxed) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use bytes::Bytes;
    use tower::ServiceExt as _;

    use super::*;

    async fn connection(path: &str, version: Version, bytes: usize) -> Option<HeaderValue> {
        let router = Router::new()
            .route("/read", post(async |body: Bytes| body.len().to_string()))
            .route("/unread", post(async || "no"))
            .layer(from_fn(announce));
        let request = http::Request::post(path)
            .version(version)
            .body(Body::from(vec![b'x'; bytes]))
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        response.headers().get(CONNECTION).cloned()
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_long_unread_body_closes_an_http1_connection() {
        let close = Some(HeaderValue::from_static("close"));
        assert_eq!(connection("/unread", Version::HTTP_11, 5000).await, close);
        assert_eq!(connection("/read", Version::HTTP_11, 5000).await, None);
        assert_eq!(connection("/unread", Version::HTTP_11, 4096).await, None);
        assert_eq!(connection("/unread", Version::HTTP_11, 0).await, None);
        assert_eq!(connection("/unread", Version::HTTP_2, 5000).await, None);
    }
}
