//! Security headers: the part of Helmet that concerns an API. A handler that says something itself is not overruled.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};

const ALWAYS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (CACHE_CONTROL, "no-store"),
];

/// Two years, as the preload list asks.
const HSTS: &str = "max-age=63072000; includeSubDomains";

/// Whether the environment reaches us by HTTPS.
#[derive(Clone, Copy, Debug)]
pub struct Https(pub bool);

/// Adds the headers that are not there.
pub async fn add(State(https): State<Https>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let hsts = https.0.then_some((STRICT_TRANSPORT_SECURITY, HSTS));
    for (name, value) in ALWAYS.into_iter().chain(hsts) {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
