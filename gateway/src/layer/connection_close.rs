//! Requests that are answered before they were read: too large, of a wrong type, by somebody who is not let in. Over HTTP/1
//! what is unread stands in the way of the next request, so the server hangs up; the answer says so, or a client that
//! keeps the connection would lose its next request on it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Version};
use http_body::{Body as _, Frame, SizeHint};

/// So little has come with the head of the request; the server passes over it.
const LITTLE_BYTES: u64 = 4096;

/// Says `Connection: close` where it will be closed.
pub async fn tell(request: Request, next: Next) -> Response {
    let announced = request.body().size_hint().exact();
    if request.version() > Version::HTTP_11 || announced.is_some_and(|bytes| bytes <= LITTLE_BYTES) {
        return next.run(request).await;
    }
    let is_read = Arc::new(AtomicBool::new(false));
    let watched = request.map(|inner| {
        Body::new(ObservedBody {
            inner,
            is_read: Arc::clone(&is_read),
        })
    });
    let mut response = next.run(watched).await;
    if !is_read.load(Ordering::Relaxed) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The body of a request; notes its end.
struct ObservedBody {
    inner: Body,
    is_read: Arc<AtomicBool>,
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if frame.is_none() || self.inner.is_end_stream() {
            self.is_read.store(true, Ordering::Relaxed);
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
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::*;

    async fn connection(path: &str, version: Version, bytes: usize) -> Option<String> {
        let router = Router::new()
            .route("/read", post(async |body: Bytes| body.len().to_string()))
            .route("/unread", post(async || "no"))
            .layer(from_fn(tell));
        let request = http::Request::post(path)
            .version(version)
            .body(Body::from(vec![b'x'; bytes]))
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let said = response.headers().get(CONNECTION);
        said.map(|value| value.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn only_what_stays_unread_and_is_long_ends_the_connection() {
        let close = Some("close".to_owned());
        assert_eq!(connection("/unread", Version::HTTP_11, 5000).await, close);
        assert_eq!(connection("/read", Version::HTTP_11, 5000).await, None);
        assert_eq!(connection("/unread", Version::HTTP_11, 4096).await, None);
        assert_eq!(connection("/unread", Version::HTTP_11, 0).await, None);
        assert_eq!(connection("/unread", Version::HTTP_2, 5000).await, None);
    }
}
