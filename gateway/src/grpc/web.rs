//! gRPC-web and gRPC-web-text, in and out: outside of this layer browsers' frames, inside of it gRPC.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use tonic::body::Body as GrpcBody;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};

/// Translates gRPC-web; lets everything else pass.
pub async fn translate(request: Request, next: Next) -> Response {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    if !content_type.starts_with(b"application/grpc-web") {
        return next.run(request).await;
    }
    let inner = service_fn(move |request: http::Request<GrpcBody>| {
        let next = next.clone();
        async move { Ok::<_, Infallible>(next.run(request.map(Body::new)).await) }
    });
    let answer = GrpcWebLayer::new().layer(inner).oneshot(request).await;
    answer.unwrap_or_else(|never| match never {}).map(Body::new)
}
