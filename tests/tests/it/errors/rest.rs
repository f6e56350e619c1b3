//! REST requests that cannot be decoded: unknown routes, wrong methods and media types, sizes, JSON syntax.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::case::{expect_rest_error, faults};
use crate::harness::{Guest, Response, Rest, mesh};

#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_methods_and_media_types_are_rejected() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let anonymous = Rest::of(&mesh);
    for rest in [&guest, &anonymous] {
        for path in [
            "/v1",
            "/v1/",
            "/v2/bookings",
            "/v1/bookings/",
            "/v1//bookings",
            "/v1/bookings/a/b/c",
            "/.env",
            "/metrics",
        ] {
            rest.get(path).await.expect_error(404, "COMMON002");
        }
        for (method, path, allow) in [
            (Method::PATCH, "/v1/bookings", "GET, HEAD, POST"),
            (Method::DELETE, "/v1/auth/login", "POST"),
            (Method::POST, "/v1/bookings/x/approve", "PUT"),
            (Method::PUT, "/healthz", "GET, HEAD"),
            (Method::POST, "/docs", "GET, HEAD"),
        ] {
            let response = Response::of(rest.request(method, path)).await;
            assert_eq!(response.headers["allow"], allow, "{path}");
            response.expect_error(405, "COMMON011");
        }
    }
    for content_type in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "json",
        "",
    ] {
        let request = guest
            .request(Method::POST, "/v1/bookings")
            .header(CONTENT_TYPE, content_type);
        Response::of(request.body("{}"))
            .await
            .expect_error(415, "COMMON010");
    }
    let untyped = guest.request(Method::POST, "/v1/bookings").body("{}");
    Response::of(untyped).await.expect_error(415, "COMMON010");
    let typed = guest
        .request(Method::POST, "/v1/bookings")
        .header(CONTENT_TYPE, "Application/JSON; charset=utf-8");
    Response::of(typed.body("{}"))
        .await
        .expect_error(400, "COMMON001");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_json_is_rejected() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let post = "POST /v1/bookings";
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [&[u8]; 12] = [
        br#"{"vehicle_id":"#,
        b"{",
        b"nonsense",
        b"{} {}",
        br"{'vehicle_id': 1}",
        br#"{"vehicle_id": NaN}"#,
        b"\xff\xfe\x00\x01",
        b"{\"guest_message\": \"\xff\"}",
        br#"{"guest_message": "\ud800"}"#,
        b"{\"guest_message\": \"a\x00b\"}",
        br#"{"hourly_rate": 1e999}"#,
        nested.as_bytes(),
    ];
    for body in bodies {
        let problem = expect_rest_error(&guest, post, body.to_vec(), (400, "COMMON001")).await;
        assert_eq!(
            faults(&problem),
            [("", "JSON")],
            "{}",
            String::from_utf8_lossy(&body[..body.len().min(60)])
        );
    }
    for body in ["[]", "1", "\"text\"", "true"] {
        let problem = expect_rest_error(&guest, post, body, (400, "COMMON001")).await;
        assert_eq!(faults(&problem), [("", "TYPE")], "{body}");
    }
    let large = format!(r#"{{"guest_message": "{}"}}"#, "x".repeat(1 << 20));
    expect_rest_error(&guest, post, large, (413, "COMMON009")).await;
    // Without a Content-Length the limit applies while reading.
    let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 16]));
    let endless = reqwest::Body::wrap_stream(futures::StreamExt::take(endless, 64));
    expect_rest_error(&guest, post, endless, (413, "COMMON009")).await;
}
