//! Translates gRPC-web and gRPC-web-text to gRPC and back. An own layer around tonic-web's, which answers 400 to every other
//! request over HTTP/1.1.

use axum::body::Body;
use axum::extract::Request;
use carshare_chassis::layer::take;
use futures::TryFutureExt as _;
use futures::future::Either;
use http::header::CONTENT_TYPE;
use tonic::body::Body as GrpcBody;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, ServiceExt as _};

use super::{Inner, Result};

/// Other message formats and parameters are refused with the content types of gRPC.
const CONTENT_TYPES: [&[u8]; 4] = [
    b"application/grpc-web",
    b"application/grpc-web+proto",
    b"application/grpc-web-text",
    b"application/grpc-web-text+proto",
];

pub fn translate<S>((): &(), inner: &mut S, request: Request) -> impl Future<Output = Result> + use<S>
where
    S: Inner<Future: Send> + Clone + Send + 'static,
{
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    if !CONTENT_TYPES.contains(&content_type) {
        return Either::Left(inner.call(request));
    }
    let inner = take(inner).map_request(|request: http::Request<GrpcBody>| request.map(Body::new));
    let running = GrpcWebLayer::new().layer(inner).oneshot(request);
    Either::Right(running.map_ok(|response| response.map(Body::new)))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::response::Response;
    use carshare_chassis::layer::from_fn;
    use http::HeaderValue;
    use tower::{ServiceBuilder, service_fn};

    use super::*;

    /// Returns the content type that the inner service sees and that of the response.
    async fn translated(content_type: &'static str) -> (HeaderValue, HeaderValue) {
        let service = ServiceBuilder::new()
            .layer(from_fn((), translate))
            .service(service_fn(async |request: Request| {
                let mut response = Response::new(Body::empty());
                let seen = request.headers()[CONTENT_TYPE].clone();
                response.headers_mut().insert("seen", seen);
                Ok::<_, Infallible>(response)
            }));
        let request = Request::post("/x").header(CONTENT_TYPE, content_type);
        let response = service
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let sent = response.headers().get(CONTENT_TYPE).cloned();
        (
            response.headers()["seen"].clone(),
            sent.unwrap_or(HeaderValue::from_static("")),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn only_grpc_web_is_translated() {
        let (seen, sent) = translated("application/grpc-web-text").await;
        assert_eq!(seen, "application/grpc");
        assert_eq!(sent, "application/grpc-web+proto");
        let (seen, sent) = translated("application/json").await;
        assert_eq!(
            (seen.as_bytes(), sent.as_bytes()),
            (&b"application/json"[..], &b""[..])
        );
    }
}
