//! Redirects requests that came in plain text to HTTPS, and refuses RPCs: clients of gRPC follow no redirects. An own layer, because the URL is
//! configured: one made of the `Host` header could lead anywhere.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::future::{Either, ready};
use http::header::LOCATION;
use http::{StatusCode, Uri};

use super::request_info::{Protocol, RequestInfo};
use super::{Inner, Result};
use crate::error::GatewayError;

/// Pages that balancers ask for in plain text.
const ANSWERED: [&str; 2] = ["/healthz", "/readyz"];

/// Scheme and authority of the URL; `None` redirects nothing.
#[derive(Clone, Debug)]
pub struct Origin(pub Option<Arc<str>>);

pub fn redirect<S: Inner>(
    Origin(origin): &Origin,
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S> {
    let info = RequestInfo::of(request.extensions());
    match origin {
        Some(origin) if !info.is_https && !ANSWERED.contains(&request.uri().path()) => {
            Either::Right(ready(Ok(respond(origin, info.protocol, request.uri()))))
        }
        _ => Either::Left(inner.call(request)),
    }
}

fn respond(origin: &str, protocol: Protocol, uri: &Uri) -> Response {
    match protocol {
        Protocol::Rest => {
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            // The target of OPTIONS may be `*`.
            let path = if path.starts_with('/') { path } else { "/" };
            let location = [(LOCATION, format!("{origin}{path}"))];
            (StatusCode::PERMANENT_REDIRECT, location).into_response()
        }
        Protocol::Grpc | Protocol::Connect => {
            GatewayError::from(Error::new(Common::HttpsRequired)).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use carshare_chassis::layer::from_fn;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    /// Returns status and location of the response, or the code of the error.
    async fn answer(uri: &str, protocol: Protocol, is_https: bool) -> (u16, String) {
        let origin = Origin(Some("https://api.carshare.kr".into()));
        let service = ServiceBuilder::new()
            .layer(from_fn(origin, redirect))
            .service(service_fn(async |_: Request| Ok(Response::new(Body::empty()))));
        let mut request = Request::post(uri).header("host", "evil.example");
        request.extensions_mut().unwrap().insert(Arc::new(RequestInfo {
            protocol,
            is_https,
            ..RequestInfo::default()
        }));
        let mut response = service
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        if let Some(error) = GatewayError::take(&mut response) {
            return (0, error.problem().code().to_owned());
        }
        let location = response.headers().get(LOCATION);
        let location = location.map(|location| location.to_str().unwrap().to_owned());
        (response.status().as_u16(), location.unwrap_or_default())
    }

    #[tokio::test]
    async fn plain_request_is_redirected_to_the_configured_url() {
        for (uri, location) in [
            (
                "/v1/bookings?a=b%20c",
                "https://api.carshare.kr/v1/bookings?a=b%20c",
            ),
            ("//evil.example/x", "https://api.carshare.kr//evil.example/x"),
            ("http://evil.example/x", "https://api.carshare.kr/x"),
            ("*", "https://api.carshare.kr/"),
        ] {
            assert_eq!(
                answer(uri, Protocol::Rest, false).await,
                (308, location.to_owned())
            );
        }
    }

    #[tokio::test]
    async fn rpc_is_refused_and_probes_and_https_pass() {
        let refused = (0, "COMMON016".to_owned());
        assert_eq!(answer("/a.B/C", Protocol::Grpc, false).await, refused);
        assert_eq!(answer("/a.B/C", Protocol::Connect, false).await, refused);
        let passed = (200, String::new());
        assert_eq!(answer("/a.B/C", Protocol::Grpc, true).await, passed);
        assert_eq!(answer("/v1/bookings", Protocol::Rest, true).await, passed);
        assert_eq!(answer("/readyz", Protocol::Rest, false).await, passed);
    }
}
