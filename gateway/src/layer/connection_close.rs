//! Announces `Connection: close` on responses over HTTP/1 to requests that were not read, because they are too large, of a
//! wrong type or unauthorized, and reads on for a moment. An own layer: hyper closes such a connection, since unread bytes
//! precede the next request, but does not announce it, and a client that keeps the connection would lose its next request.
//! It also closes at once, which resets the connection while the client still sends and can discard the response on its way
//! (RFC 9112 §9.6).
//!
//! It is announced too while the gateway waits to stop (`server.drain_delay_ms`), so that clients open their next connection, which
//! a balancer leads to another replica, instead of sending a request at the moment at which this one is closed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use carshare_chassis::health::Readiness;
use carshare_chassis::task::spawn;
use futures::{Stream, StreamExt as _, TryFutureExt as _};
use http::header::CONNECTION;
use http::{HeaderValue, Version};
use http_body::Body as _;
use tokio::time::timeout;

use super::{Inner, Result};

/// Bodies up to this size arrive with the head of the request, and hyper skips them.
const SKIPPED_BYTES: u64 = 4096;
/// Time for which the rest of an unread body is read and discarded.
const DISCARD_TIME: Duration = Duration::from_secs(1);

pub fn announce<S: Inner>(
    readiness: &Readiness,
    inner: &mut S,
    mut request: Request,
) -> impl Future<Output = Result> + use<S> {
    let is_draining = request.version() <= Version::HTTP_11 && readiness.is_draining();
    let is_read = observe(&mut request);
    inner.call(request).map_ok(move |mut response| {
        let is_unread = is_read.is_some_and(|is_read| !is_read.load(Ordering::Relaxed));
        if is_unread || is_draining {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    })
}

/// Returns a flag that is set when the body has been read; `None` when the connection is kept anyway.
fn observe(request: &mut Request) -> Option<Arc<AtomicBool>> {
    let length = request.body().size_hint().exact();
    if request.version() > Version::HTTP_11 || length.is_some_and(|bytes| bytes <= SKIPPED_BYTES) {
        return None;
    }
    let is_read = Arc::new(AtomicBool::new(false));
    let body = std::mem::take(request.body_mut());
    *request.body_mut() = Body::from_stream(Observed {
        body: Some(body.into_data_stream()),
        is_read: Arc::clone(&is_read),
    });
    Some(is_read)
}

/// A request body that is read on for a moment when it is dropped before its end.
struct Observed {
    /// `None` after the end.
    body: Option<BodyDataStream>,
    is_read: Arc<AtomicBool>,
}

impl Stream for Observed {
    type Item = <BodyDataStream as Stream>::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let item = ready!(body.poll_next_unpin(cx));
        if item.is_none() {
            self.body = None;
            self.is_read.store(true, Ordering::Relaxed);
        }
        Poll::Ready(item)
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if let Some(rest) = self.body.take() {
            let discarded = rest.for_each(async |_| {});
            spawn("discard_body", async move {
                timeout(DISCARD_TIME, discarded).await.ok()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::Router;
    use axum::routing::{get, post};
    use bytes::Bytes;
    use carshare_chassis::layer::from_fn;
    use futures::stream;
    use tokio::sync::mpsc;
    use tokio::time::Instant;
    use tower::ServiceExt as _;

    use super::*;

    async fn connection(path: &str, version: Version, bytes: usize) -> Option<HeaderValue> {
        let router = Router::new()
            .route("/read", post(async |body: Bytes| body.len().to_string()))
            .route("/unread", post(async || "no"))
            .layer(from_fn(Readiness::new(), announce));
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

    #[tokio::test]
    async fn responses_of_a_draining_gateway_close_http1_connections() {
        let readiness = Readiness::new();
        let router = Router::new()
            .route("/", get(async || "yes"))
            .layer(from_fn(readiness.clone(), announce));
        let send = async |version| {
            let request = http::Request::get("/").version(version).body(Body::empty());
            let response = router.clone().oneshot(request.unwrap()).await.unwrap();
            response.headers().contains_key(CONNECTION)
        };
        assert!(!send(Version::HTTP_11).await);
        readiness.begin_drain();
        assert!(send(Version::HTTP_11).await);
        assert!(!send(Version::HTTP_2).await);
    }

    /// Sends a body of chunks from a channel, and returns the channel once the response is there.
    async fn respond_unread() -> mpsc::Sender<std::result::Result<Bytes, Infallible>> {
        let router = Router::new()
            .route("/unread", post(async || "no"))
            .layer(from_fn(Readiness::new(), announce));
        let (chunks, mut body) = mpsc::channel(1);
        let body = Body::from_stream(stream::poll_fn(move |cx| body.poll_recv(cx)));
        let request = http::Request::post("/unread").body(body).unwrap();
        router.oneshot(request).await.unwrap();
        chunks
    }

    #[tokio::test(start_paused = true)]
    async fn rest_of_an_unread_body_is_discarded_after_the_response() {
        let chunks = respond_unread().await;
        for _ in 0..100 {
            chunks.send(Ok(Bytes::from_static(b"more"))).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_does_not_end_is_dropped_after_a_second() {
        let begin = Instant::now();
        let chunks = respond_unread().await;
        chunks.closed().await;
        assert_eq!(begin.elapsed(), DISCARD_TIME);
    }
}
