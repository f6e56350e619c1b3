//! Answers CORS preflight requests: an allow-list of origins, with credentials. Browsers may read the gRPC status, without which
//! gRPC-web clients see no error.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::extract::Request;
use carshare_chassis::layer::take;
use carshare_chassis::request_context::CORRELATION_ID;
use futures::future::Either;
use http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LINK,
    ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{Inner, Result};
use crate::config::Cors;
use crate::headers::IDEMPOTENCY_KEY;
use crate::rest::{NEXT_PAGE_TOKEN, TOTAL_COUNT};

/// Time for which a browser may keep the answer to a preflight request.
const MAX_AGE: Duration = Duration::from_hours(2);

/// Request headers that scripts may send.
const ALLOWED_HEADERS: [HeaderName; 17] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    ACCEPT_LANGUAGE,
    IF_MATCH,
    IF_NONE_MATCH,
    IDEMPOTENCY_KEY,
    HeaderName::from_static(CORRELATION_ID),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static("x-requested-with"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("connect-protocol-version"),
    HeaderName::from_static("connect-timeout-ms"),
];

/// Response headers that scripts may read.
const EXPOSED_HEADERS: [HeaderName; 13] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    HeaderName::from_static(CORRELATION_ID),
    NEXT_PAGE_TOKEN,
    TOTAL_COUNT,
    LINK,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    CONTENT_LANGUAGE,
    ETAG,
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
];

/// Adds the CORS headers to responses to web apps: requests of other clients, native gRPC above all, have no `Origin`.
pub fn answer<S>(cors: &CorsLayer, inner: &mut S, request: Request) -> impl Future<Output = Result> + use<S>
where
    S: Inner + Clone,
{
    if request.headers().contains_key(ORIGIN) {
        Either::Right(cors.layer(take(inner)).oneshot(request))
    } else {
        Either::Left(inner.call(request))
    }
}

/// An entry of `cors.origins`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AllowedOrigin {
    /// `https://app.carshare.kr`
    Exact(String),
    /// Scheme and host of `http://localhost:*`, with which every port of the host is allowed.
    AnyPort(String),
}

/// # Errors
/// An origin that no browser sends: with a path, without a scheme, or `*`, which browsers refuse with credentials.
pub fn layer(config: &Cors) -> anyhow::Result<CorsLayer> {
    let origins: anyhow::Result<Vec<AllowedOrigin>> = config
        .origins
        .iter()
        .map(|text| AllowedOrigin::parse(text))
        .collect();
    let origins = origins.context("cors.origins")?;
    let is_allowed = move |origin: &HeaderValue, _: &Parts| {
        let origin = origin.to_str().unwrap_or_default();
        origins.iter().any(|allowed| allowed.matches(origin))
    };
    Ok(CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(is_allowed))
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

impl AllowedOrigin {
    /// Parses `https://app.carshare.kr`, with a port, `:*` for any port, or none.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let any_port = text.strip_suffix(":*");
        let exact = any_port.unwrap_or(text);
        let host = exact
            .strip_prefix("https://")
            .or_else(|| exact.strip_prefix("http://"));
        let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']);
        ensure!(host.is_some_and(is_host), "{text:?} is not an origin");
        Ok(match any_port {
            Some(host) => Self::AnyPort(host.to_owned()),
            None => Self::Exact(exact.to_owned()),
        })
    }

    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Exact(allowed) => allowed == origin,
            Self::AnyPort(host) => origin.strip_prefix(host.as_str()).is_some_and(is_port),
        }
    }
}

/// Returns whether the rest of an origin after its host is a port or nothing, which is the default port.
fn is_port(rest: &str) -> bool {
    let port = rest.strip_prefix(':');
    rest.is_empty()
        || port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
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
        for good in [
            "https://app.carshare.kr",
            "http://localhost:3000",
            "http://localhost:*",
        ] {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in [
            "*",
            "null",
            "app.carshare.kr",
            "https://app.carshare.kr/",
            "https://*.carshare.kr",
            "https://*:*",
            "http://localhost:*/",
            "*:*",
            "https://",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn port_wildcard_allows_every_port_of_its_host_only() {
        let allowed = AllowedOrigin::parse("http://localhost:*").unwrap();
        for origin in ["http://localhost", "http://localhost:5173", "http://localhost:80"] {
            assert!(allowed.matches(origin), "{origin}");
        }
        for origin in [
            "https://localhost:5173",
            "http://localhost.evil.example",
            "http://localhost:5173.evil.example",
            "http://localhost:",
            "http://localhost:80@evil.example",
            "http://evil.example/http://localhost:80",
            "null",
            "",
        ] {
            assert!(!allowed.matches(origin), "{origin}");
        }
    }
}
