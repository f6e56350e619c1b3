//! What surrounds every answer: security headers, CORS, load shedding.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Edge, VEHICLE, header, told};
use carshare_testkit::eventually_true;

#[tokio::test]
async fn security_headers_are_on_every_answer() {
    let edge = Edge::start_with(|config| config.service.edge.https = true).await;
    for (path, status) in [("/healthz", 200), ("/v1/nothing", 404), ("/v1/bookings", 401)] {
        let response = edge.anonymous(Method::GET, path).send().await.unwrap();
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
async fn a_listed_origin_may_ask_with_credentials_and_another_may_not() {
    let edge =
        Edge::start_with(|config| config.service.cors.origins = vec!["https://app.carshare.kr".into()]).await;
    let preflight = async |origin: &str| {
        let request = edge
            .anonymous(Method::OPTIONS, "/v1/bookings")
            .header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        request
            .header(
                "access-control-request-headers",
                "authorization,content-type,idempotency-key",
            )
            .send()
            .await
            .unwrap()
    };
    let listed = preflight("https://app.carshare.kr").await;
    assert_eq!(listed.status().as_u16(), 200);
    assert_eq!(
        header(&listed, "access-control-allow-origin"),
        Some("https://app.carshare.kr")
    );
    assert_eq!(header(&listed, "access-control-allow-credentials"), Some("true"));
    assert!(
        header(&listed, "access-control-allow-headers")
            .unwrap()
            .contains("idempotency-key")
    );
    let other = preflight("https://elsewhere.example").await;
    assert_eq!(header(&other, "access-control-allow-origin"), None);
}

#[tokio::test]
async fn refusals_can_be_read_across_origins_too() {
    let edge =
        Edge::start_with(|config| config.service.cors.origins = vec!["https://app.carshare.kr".into()]).await;
    let request = edge
        .anonymous(Method::GET, "/v1/bookings")
        .header("origin", "https://app.carshare.kr");
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 401);
    assert_eq!(
        header(&response, "access-control-allow-origin"),
        Some("https://app.carshare.kr")
    );
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let edge = Edge::start().await;
    let ask = async |bytes: usize| {
        let request = edge
            .anonymous(Method::GET, "/healthz")
            .header("x-large", "x".repeat(bytes));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(30_000).await, 200);
    assert_eq!(ask(200_000).await, 431);
}

#[tokio::test]
async fn what_is_too_much_at_once_is_refused_and_probes_are_not() {
    let edge = Edge::start_with(|config| config.common.server.max_in_flight = 1).await;
    let body = json!({
        "vehicle_id": VEHICLE, "start_datetime": "2026-11-23T01:00:00Z", "end_datetime": "2026-11-23T05:00:00Z",
        "guest_message": "hang",
    });
    let hanging = edge
        .request("guest", Method::POST, "/v1/bookings")
        .json(&body)
        .send();
    let others = async {
        eventually_true(crate::harness::TIMEOUT, || async { edge.services.calls() == 1 }).await;
        let (status, problem) = told(
            edge.request("guest", Method::GET, "/v1/bookings")
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!((status, &problem["code"]), (503, &json!("COMMON005")));
        assert_eq!(
            edge.anonymous(Method::GET, "/healthz")
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
            200
        );
    };
    tokio::select! {
        answer = hanging => panic!("{answer:?}"),
        () = others => {}
    }
}

#[tokio::test]
async fn calls_are_counted_in_redis_and_in_the_process_while_it_is_away() {
    let redis = carshare_testkit::redis_url().await;
    let (proxy, url) = carshare_testkit::proxy::FaultProxy::in_front_of(&redis)
        .await
        .unwrap();
    let edge = Edge::start_with(|config| {
        config.service.redis = Some(carshare_chassis::config::Redis::at(url));
        config.service.limits.per_minute_by_address = 2;
    })
    .await;
    let ask = async || {
        edge.anonymous(Method::GET, "/.well-known/jwks.json")
            .send()
            .await
            .unwrap()
    };
    for _ in 0..2 {
        assert_eq!(ask().await.status().as_u16(), 200);
    }
    let refused = ask().await;
    assert_eq!(
        header(&refused, "ratelimit-policy"),
        Some(r#""address";q=2;w=60"#)
    );
    assert!(
        header(&refused, "ratelimit")
            .unwrap()
            .starts_with(r#""address";r=0;t="#)
    );
    let after: u64 = header(&refused, "retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&after), "{after}");
    let (status, problem) = told(refused).await;
    assert_eq!(
        (status, &problem["code"], &problem["metadata"]["budget"]),
        (429, &json!("COMMON004"), &json!("address"))
    );

    proxy.cut();
    let standing = ask().await;
    assert_eq!(header(&standing, "ratelimit"), Some(r#""address";r=1;t=30"#));
    assert_eq!(ask().await.status().as_u16(), 200);
    assert_eq!(ask().await.status().as_u16(), 429);
}
