//! The log line of a request, with a paused clock.

use std::convert::Infallible;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use carshare_chassis::Lang;
use carshare_chassis::layer::from_fn;
use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tracing::subscriber::DefaultGuard;

use super::*;

#[derive(Clone, Default)]
struct Lines(std::sync::Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Captures the log of this thread until the guard is dropped.
    fn capture() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(move || writer.clone())
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    /// Returns the fields of the only line.
    fn only(&self) -> Value {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line: Value = serde_json::from_slice(&bytes).expect("one line");
        line["fields"].clone()
    }
}

fn request(protocol: Protocol) -> Request {
    let mut request = Request::post("/v1/users/jiwoo@mail.com")
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(Arc::new(RequestInfo {
        protocol,
        ..RequestInfo::for_test(Lang::En, "c-1", "/v1/users/jiwoo@mail.com")
    }));
    request
}

/// Returns a body of one message after two seconds, with trailers that hold gRPC status 5.
fn streamed() -> Body {
    let trailers =
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), "5".parse().unwrap())]);
    let frames = [Frame::data(Bytes::from("x")), Frame::trailers(trailers)];
    let frames = stream::unfold(frames.into_iter(), async |mut frames| {
        let frame = frames.next()?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        Some((Ok::<_, Infallible>(frame), frames))
    });
    Body::new(StreamBody::new(Box::pin(frames)))
}

#[tokio::test(start_paused = true)]
async fn line_is_written_at_the_end_of_the_body_with_the_status_of_the_trailers() {
    let (lines, _guard) = Lines::capture();
    let service = ServiceBuilder::new()
        .layer(from_fn((), record))
        .service(service_fn(async |_: Request| {
            let mut response = Response::new(streamed());
            response
                .extensions_mut()
                .insert(ErrorCode("COMMON002".to_owned()));
            Ok::<_, Infallible>(response)
        }));
    let response = service.oneshot(request(Protocol::Grpc)).await.unwrap();
    assert!(lines.0.lock().unwrap().is_empty());
    response.into_body().collect().await.unwrap();
    let mut line = lines.only();
    line.as_object_mut().unwrap().remove("message");
    let trace_id = line.as_object_mut().unwrap().remove("trace_id").unwrap();
    assert_eq!(trace_id.as_str().unwrap().len(), 32);
    let expected = json!({
        "protocol": "grpc", "rpc": "none", "method": "POST", "status": 200, "grpc_status": 5, "code": "COMMON002",
        "duration_ms": 4000.0, "correlation_id": "c-1",
    });
    assert_eq!(line, expected);
}

#[tokio::test(start_paused = true)]
async fn client_that_goes_away_is_logged_as_499() {
    let (lines, _guard) = Lines::capture();
    let service = ServiceBuilder::new()
        .layer(from_fn((), record))
        .service(service_fn(async |_: Request| {
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let call = service.oneshot(request(Protocol::Rest));
    let timed_out = tokio::time::timeout(Duration::from_secs(3), call).await;
    assert!(timed_out.is_err());
    let line = lines.only();
    assert_eq!(
        (&line["status"], &line["duration_ms"], &line["path"]),
        (&json!(499), &json!(3000.0), &json!("/v1/users/*"))
    );
}

#[tokio::test(start_paused = true)]
async fn grpc_call_that_the_client_cuts_off_is_cancelled() {
    for in_response in [false, true] {
        let (lines, _guard) = Lines::capture();
        let service = ServiceBuilder::new()
            .layer(from_fn((), record))
            .service(service_fn(move |_: Request| async move {
                if !in_response {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(Response::new(streamed()))
            }));
        let call = service.oneshot(request(Protocol::Grpc));
        let response = tokio::time::timeout(Duration::from_secs(3), call).await;
        assert_eq!(response.is_ok(), in_response);
        drop(response);
        assert_eq!(lines.only()["grpc_status"], json!(Code::Cancelled as i32));
    }
}
