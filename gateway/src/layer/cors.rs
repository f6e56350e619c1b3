//! Answers CORS preflight requests: an allow-list of origins, with credentials. Browsers may read the gRPC status, without which
//! gRPC-web clients see no error.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use carshare_chassis::request_context::CORRELATION_ID;
use http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_LANGUAGE, CONTENT_TYPE, LINK, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::CorsLayer;

use crate::config::Cors;
use crate::headers::IDEMPOTENCY_KEY;
use crate::rest::NEXT_PAGE_TOKEN;

/// Time for which a browser may keep the answer to a preflight request.
const MAX_AGE: Duration = Duration::from_hours(2);

/// Request headers that scripts may send.
const ALLOWED_HEADERS: [HeaderName; 11] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    ACCEPT_LANGUAGE,
    IDEMPOTENCY_KEY,
    HeaderName::from_static(CORRELATION_ID),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("connect-protocol-version"),
];

/// Response headers that scripts may read.
const EXPOSED_HEADERS: [HeaderName; 11] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    HeaderName::from_static(CORRELATION_ID),
    NEXT_PAGE_TOKEN,
    LINK,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    CONTENT_LANGUAGE,
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
];

/// # Errors
/// An origin that no browser sends: with a path, without a scheme, or `*`, which browsers refuse with credentials.
pub fn layer(config: &Cors) -> anyhow::Result<CorsLayer> {
    let origins: anyhow::Result<Vec<HeaderValue>> = config.origins.iter().map(|text| origin(text)).collect();
    Ok(CorsLayer::new()
        .allow_origin(origins.context("cors.origins")?)
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(ALLOWED_HEADERS)
        .expose_headers(EXPOSED_HEADERS)
        .max_age(MAX_AGE))
}

/// Parses `https://app.carshare.kr`, with or without a port.
fn origin(text: &str) -> anyhow::Result<HeaderValue> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']);
    ensure!(host.is_some_and(is_host), "{text:?} is not an origin");
    Ok(text.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_origins_are_refused() {
        let with = |origin: &str| {
            layer(&Cors {
                origins: vec![origin.to_owned()],
            })
        };
        for good in ["https://app.carshare.kr", "http://localhost:3000"] {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in [
            "*",
            "null",
            "app.carshare.kr",
            "https://app.carshare.kr/",
            "https://*.carshare.kr",
            "https://",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }
}
