//! Security headers, the part of Helmet that concerns an API, set on REST responses and pages where the handler has not set them. A gRPC
//! client is no browser, and a gRPC-web response is read by a script only. An own layer: tower-http's sets a header on every response.

use axum::extract::Request;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::request_info::{Protocol, RequestInfo};
use super::{Inner, Result};

/// Two years, as the preload list of browsers requires.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Sets the headers, Strict-Transport-Security only over HTTPS (RFC 6797 §7.2).
pub fn set<S: Inner>((): &(), inner: &mut S, request: Request) -> impl Future<Output = Result> + use<S> {
    let info = RequestInfo::of(request.extensions());
    let (is_rest, https) = (info.protocol == Protocol::Rest, info.is_https);
    let has_origin = request.headers().contains_key(ORIGIN);
    let running = inner.call(request);
    async move {
        let mut response = running.await?;
        if is_rest {
            write(response.headers_mut(), https, has_origin);
        }
        Ok(response)
    }
}

fn write(headers: &mut HeaderMap, https: bool, has_origin: bool) {
    let hsts = https.then_some((STRICT_TRANSPORT_SECURITY, HSTS));
    for (name, value) in HEADERS.into_iter().chain(hsts) {
        headers.entry(name).or_insert(value);
    }
    // The CORS layer writes it otherwise. A cache must not answer a web app with a response that has no CORS headers.
    if !has_origin {
        headers.append(VARY, HeaderValue::from_name(ORIGIN));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use axum::body::Body;
    use axum::response::Response;
    use carshare_chassis::layer::from_fn;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    async fn headers(https: bool, protocol: Protocol) -> HeaderMap {
        let handler = service_fn(async |_: Request| {
            let response = Response::builder().header(CACHE_CONTROL, "public");
            Ok::<_, Infallible>(response.body(Body::empty()).unwrap())
        });
        let service = ServiceBuilder::new().layer(from_fn((), set)).service(handler);
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(Arc::new(RequestInfo {
            protocol,
            is_https: https,
            ..RequestInfo::default()
        }));
        service.oneshot(request).await.unwrap().into_parts().0.headers
    }

    #[tokio::test(start_paused = true)]
    async fn headers_are_set_unless_the_handler_set_them() {
        let headers = headers(false, Protocol::Rest).await;
        assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
        assert_eq!(
            headers.get_all(CACHE_CONTROL).iter().collect::<Vec<_>>(),
            ["public"]
        );
        assert_eq!(headers[VARY], "origin");
        assert_eq!(headers.len(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn strict_transport_security_is_set_over_https() {
        assert_eq!(
            headers(true, Protocol::Rest).await[STRICT_TRANSPORT_SECURITY],
            HSTS
        );
    }

    #[tokio::test(start_paused = true)]
    async fn grpc_response_has_none_of_them() {
        assert_eq!(headers(true, Protocol::Grpc).await.len(), 1);
    }
}
