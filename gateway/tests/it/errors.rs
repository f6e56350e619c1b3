//! REST requests that fail: status, code and texts.

use std::time::Duration;

use carshare_chassis::Clock;
use carshare_chassis::config::{Redis, RevocationPolicy};
use carshare_chassis::identity::Revocations;
use carshare_testkit::Tokens;
use carshare_testkit::proxy::FaultProxy;
use chrono::TimeDelta;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::harness::{
    Harness, START, USER, VEHICLE, booking_json, code, header, into_json, send, send_for_code, send_for_json,
};

#[tokio::test]
async fn status_of_a_service_is_a_problem_in_the_language_of_the_client() {
    let gateway = Harness::start().await;
    let request = gateway.create_booking("taken").header("x-correlation-id", "c-1");
    let english = send(request).await;
    assert_eq!(header(&english, "content-type"), Some("application/problem+json"));
    assert_eq!(header(&english, "content-language"), Some("en"));
    let expected = json!({
        "type": "/docs#BOOKING002", "title": "Slot taken", "status": 409,
        "detail": "The vehicle is already booked for that time.", "instance": "/v1/bookings",
        "code": "BOOKING002", "reason": "SLOT_TAKEN", "correlation_id": "c-1",
    });
    assert_eq!(into_json(english).await, (409, expected));

    let korean = gateway
        .anonymous(Method::POST, "/v1/bookings")
        .bearer_auth(gateway.token("guest"))
        .json(&booking_json("taken"));
    let (status, problem) = send_for_json(korean).await;
    assert_eq!(
        (status, &problem["detail"]),
        (409, &json!("선택하신 시간에는 이미 예약된 차량입니다."))
    );
}

#[tokio::test]
async fn every_violated_rule_is_in_the_problem() {
    let gateway = Harness::start().await;
    let request = gateway
        .anonymous(Method::POST, "/v1/bookings")
        .bearer_auth(gateway.token("guest"))
        .json(&json!({ "vehicle_id": "x", "start_datetime": "2026-11-23T01:00:00Z" }));
    let (status, problem) = send_for_json(request).await;
    assert_eq!((status, &problem["code"]), (400, &json!("COMMON001")));
    let expected = json!([
        { "field": "vehicle_id", "message": "UUID 형식이어야 합니다.", "rule": "STRING_UUID" },
        { "field": "end_datetime", "message": "필수 항목입니다.", "rule": "REQUIRED" },
    ]);
    assert_eq!(problem["errors"], expected);
}

#[tokio::test]
async fn undecodable_request_is_refused_before_a_service_is_called() {
    let gateway = Harness::start().await;
    for (body, field, rule) in [
        (r#"{"vehicle":"x"}"#, "vehicle", "UNKNOWN_FIELD"),
        (r#"{"start_datetime":"tomorrow"}"#, "start_datetime", "TYPE"),
        (r#"{"vehicle_id":"#, "", "JSON"),
    ] {
        let request = gateway
            .request("guest", Method::POST, "/v1/bookings")
            .header("content-type", "application/json");
        let (status, problem) = send_for_json(request.body(body)).await;
        assert_eq!((status, &problem["code"]), (400, &json!("COMMON001")), "{body}");
        let error = &problem["errors"][0];
        assert_eq!((&error["field"], &error["rule"]), (&json!(field), &json!(rule)));
    }
    let query = gateway.request("guest", Method::GET, "/v1/bookings?state=pending");
    assert_eq!(send_for_json(query).await.1["errors"][0]["field"], "state");
    assert_eq!(gateway.services.calls(), 0);
}

#[tokio::test]
async fn request_without_a_valid_token_is_unauthorized() {
    let gateway = Harness::start().await;
    let foreign = Tokens::new().unwrap().mint("guest", USER, START.parse().unwrap());
    let expired = gateway.token("guest");
    let call = async |token: Option<&str>| {
        let request = gateway.anonymous(Method::GET, "/v1/bookings");
        let response = send(token.into_iter().fold(request, RequestBuilder::bearer_auth)).await;
        let challenge = header(&response, "www-authenticate").unwrap().to_owned();
        let (status, problem) = into_json(response).await;
        (status, problem["code"].as_str().unwrap().to_owned(), challenge)
    };
    let plain = (401, "AUTH001".to_owned(), r#"Bearer realm="carshare""#.to_owned());
    for token in [None, Some("nonsense"), Some(&*foreign)] {
        assert_eq!(call(token).await, plain);
    }
    gateway.clock.advance(Duration::from_mins(15));
    let invalid = r#"Bearer realm="carshare", error="invalid_token""#.to_owned();
    assert_eq!(call(Some(&expired)).await, (401, "AUTH002".to_owned(), invalid));
    assert_eq!(gateway.services.calls(), 0);
}

#[tokio::test]
async fn role_without_access_is_forbidden() {
    let gateway = Harness::start().await;
    let request = gateway
        .request("host", Method::POST, "/v1/bookings")
        .json(&booking_json(""));
    assert_eq!(send_for_code(request).await, code(403, "AUTH003"));
    assert_eq!(gateway.services.calls(), 0);
}

#[tokio::test]
async fn unknown_path_is_not_found() {
    let gateway = Harness::start().await;
    for path in [
        "/v1",
        "/v1/bookings/",
        "/v1/nothing",
        "/carshare.booking.v1.BookingService/GetBooking",
    ] {
        let request = gateway.request("guest", Method::GET, path);
        assert_eq!(send_for_code(request).await, code(404, "COMMON002"), "{path}");
    }
}

#[tokio::test]
async fn wrong_method_is_refused_with_the_allowed_ones() {
    let gateway = Harness::start().await;
    for (method, path, allow) in [
        (Method::PATCH, "/v1/bookings", "GET, HEAD, POST"),
        (Method::GET, "/v1/auth/login", "POST"),
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::DELETE, "/openapi.json", "GET, HEAD"),
    ] {
        let response = send(gateway.request("guest", method, path)).await;
        assert_eq!(header(&response, "allow"), Some(allow), "{path}");
        let (status, problem) = into_json(response).await;
        assert_eq!((status, &problem["code"]), (405, &json!("COMMON011")), "{path}");
    }
}

#[tokio::test]
async fn body_that_is_too_large_or_not_json_is_refused() {
    let gateway = Harness::start_with(|config| config.service.edge.max_body_bytes = 512).await;
    let large = gateway.create_booking(&"x".repeat(600));
    assert_eq!(send_for_code(large).await, code(413, "COMMON009"));
    let form = gateway
        .request("guest", Method::POST, "/v1/bookings")
        .form(&[("vehicle_id", VEHICLE)]);
    assert_eq!(send_for_code(form).await, code(415, "COMMON010"));
}

#[tokio::test]
async fn service_that_is_down_is_unavailable_with_retry_after() {
    let gateway = Harness::start().await;
    let response = send(gateway.request("guest", Method::GET, "/v1/payments/history")).await;
    assert_eq!(header(&response, "retry-after"), Some("1"));
    let (status, problem) = into_json(response).await;
    assert_eq!((status, &problem["code"]), (503, &json!("COMMON005")));
}

#[tokio::test]
async fn service_without_configuration_is_unavailable() {
    let gateway = Harness::start_with(|config| drop(config.service.peers.remove("booking"))).await;
    let request = gateway.request("guest", Method::GET, "/v1/bookings");
    assert_eq!(send_for_code(request).await, code(503, "COMMON005"));
}

#[tokio::test]
async fn call_to_a_hanging_service_ends_at_the_timeout() {
    let timeout = Duration::from_millis(300);
    let gateway = Harness::start_with(|config| config.common.server.request_timeout = timeout).await;
    assert_eq!(
        send_for_code(gateway.create_booking("hang")).await,
        code(504, "COMMON006")
    );
}

#[tokio::test]
async fn internal_text_of_a_service_is_not_sent() {
    let gateway = Harness::start().await;
    let (status, problem) = send_for_json(gateway.create_booking("bare")).await;
    assert_eq!((status, &problem["code"]), (500, &json!("COMMON007")));
    assert!(!problem.to_string().contains("secret"));
}

#[tokio::test]
async fn revoked_token_is_refused_and_accepted_only_while_redis_is_unreachable() {
    let redis = carshare_testkit::redis_url().await;
    let (proxy, url) = FaultProxy::in_front_of(&redis).await.unwrap();
    let gateway = Harness::start_with(|config| config.service.redis = Some(Redis::at(url))).await;
    let start = START.parse().unwrap();
    let claims = gateway.tokens.claims("guest", USER, start);
    let token = gateway.tokens.sign(&claims).unwrap();
    let call = async || {
        let request = gateway.anonymous(Method::GET, "/v1/bookings");
        send_for_code(request.bearer_auth(&token)).await
    };
    assert_eq!(call().await, code(200, ""));
    let revocations = Revocations::new(&Redis::at(redis), RevocationPolicy::Open).unwrap();
    let (clock, _) = Clock::manual(start);
    revocations
        .revoke(claims.jti, start + TimeDelta::minutes(15), &clock)
        .await
        .unwrap();
    assert_eq!(call().await, code(401, "AUTH004"));
    proxy.cut();
    assert_eq!(call().await, code(200, ""));
}
