//! What every response has, and what every request passes: security headers, CORS, head size, rate limits.

use carshare_testkit::proxy::FaultProxy;
use reqwest::{Method, Response};
use serde_json::json;

use crate::harness::{Harness, ORIGIN, code, header, into_json, send, send_for_code};

#[tokio::test]
async fn security_headers_are_on_every_response() {
    let gateway = Harness::start_with(|config| config.service.edge.behind_https_proxy = true).await;
    for (path, status) in [("/healthz", 200), ("/v1/nothing", 404), ("/v1/bookings", 401)] {
        let response = send(gateway.anonymous(Method::GET, path)).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ] {
            assert_eq!(header(&response, name), Some(value), "{path}");
        }
    }
}

#[tokio::test]
async fn listed_origin_is_allowed_with_credentials_and_another_is_not() {
    let gateway = Harness::start_with(|config| config.service.cors.origins = vec![ORIGIN.into()]).await;
    let preflight = async |origin: &str| {
        let request = gateway
            .anonymous(Method::OPTIONS, "/v1/bookings")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,tracestate");
        send(request).await
    };
    let listed = preflight(ORIGIN).await;
    assert_eq!(listed.status().as_u16(), 200);
    assert_eq!(header(&listed, "access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(header(&listed, "access-control-allow-credentials"), Some("true"));
    let allowed = header(&listed, "access-control-allow-headers").unwrap();
    for name in [
        "idempotency-key",
        "if-match",
        "tracestate",
        "baggage",
        "x-requested-with",
    ] {
        assert!(allowed.split(',').any(|allowed| allowed == name), "{allowed}");
    }
    let other = preflight("https://elsewhere.example").await;
    assert_eq!(header(&other, "access-control-allow-origin"), None);
}

#[tokio::test]
async fn errors_are_readable_across_origins() {
    let gateway = Harness::start_with(|config| config.service.cors.origins = vec![ORIGIN.into()]).await;
    let request = gateway
        .anonymous(Method::GET, "/v1/bookings")
        .header("origin", ORIGIN);
    let response = send(request).await;
    assert_eq!(response.status().as_u16(), 401);
    assert_eq!(header(&response, "access-control-allow-origin"), Some(ORIGIN));
}

#[tokio::test]
async fn request_head_above_the_limit_is_refused() {
    let gateway = Harness::start().await;
    let with_header = |bytes: usize| {
        let request = gateway.anonymous(Method::GET, "/healthz");
        request.header("x-large", "x".repeat(bytes))
    };
    assert_eq!(send(with_header(30_000)).await.status().as_u16(), 200);
    assert_eq!(send_for_code(with_header(100_000)).await, code(431, "COMMON015"));
    assert_eq!(send(with_header(200_000)).await.status().as_u16(), 431);
}

#[tokio::test]
async fn calls_are_counted_in_redis_and_in_the_process_while_redis_is_unreachable() {
    let redis = carshare_testkit::redis_url().await;
    let (proxy, url) = FaultProxy::in_front_of(&redis).await.unwrap();
    let gateway = Harness::start_with(|config| {
        config.service.redis = Some(carshare_chassis::config::Redis::at(url));
        config.service.limits.per_minute_by_address = 2;
    })
    .await;
    let call = async || send(gateway.anonymous(Method::GET, "/.well-known/jwks.json")).await;
    let status = |response: Response| response.status().as_u16();
    assert_eq!((status(call().await), status(call().await)), (200, 200));
    let refused = call().await;
    assert_eq!(
        header(&refused, "ratelimit-policy"),
        Some(r#""address";q=2;w=60"#)
    );
    let remaining = header(&refused, "ratelimit").unwrap();
    assert!(remaining.starts_with(r#""address";r=0;t="#), "{remaining}");
    let seconds: u64 = header(&refused, "retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    let (status_code, problem) = into_json(refused).await;
    assert_eq!(
        (status_code, &problem["code"], &problem["metadata"]["budget"]),
        (429, &json!("COMMON004"), &json!("address"))
    );

    proxy.cut();
    let counted_here = call().await;
    assert_eq!(header(&counted_here, "ratelimit"), Some(r#""address";r=1;t=30"#));
    assert_eq!((status(call().await), status(call().await)), (200, 429));
}
