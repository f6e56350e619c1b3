//! The REST front when something is wrong: each status, its code, both languages.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Edge, USER, VEHICLE, header, told};

fn booking(message: &str) -> Value {
    json!({
        "vehicle_id": VEHICLE, "start_datetime": "2026-11-23T01:00:00Z", "end_datetime": "2026-11-23T05:00:00Z",
        "guest_message": message,
    })
}

#[tokio::test]
async fn a_refusal_of_a_service_is_a_problem_in_the_language_of_the_client() {
    let edge = Edge::start().await;
    let english = edge
        .request("guest", Method::POST, "/v1/bookings")
        .json(&booking("taken"));
    let english = english.header("x-correlation-id", "c-1").send().await.unwrap();
    assert_eq!(header(&english, "content-type"), Some("application/problem+json"));
    assert_eq!(header(&english, "content-language"), Some("en"));
    let expected = json!({
        "type": "/docs#BOOKING002", "title": "Slot taken", "status": 409,
        "detail": "The vehicle is already booked for that time.", "instance": "/v1/bookings",
        "code": "BOOKING002", "reason": "SLOT_TAKEN", "correlation_id": "c-1",
    });
    assert_eq!(told(english).await, (409, expected));

    let korean = edge
        .anonymous(Method::POST, "/v1/bookings")
        .bearer_auth(edge.token("guest"));
    let (status, problem) = told(korean.json(&booking("taken")).send().await.unwrap()).await;
    assert_eq!(
        (status, &problem["detail"]),
        (409, &json!("선택하신 시간에는 이미 예약된 차량입니다."))
    );
}

#[tokio::test]
async fn broken_rules_name_every_field() {
    let edge = Edge::start().await;
    let body = json!({ "vehicle_id": "x", "start_datetime": "2026-11-23T01:00:00Z" });
    let korean = edge
        .anonymous(Method::POST, "/v1/bookings")
        .bearer_auth(edge.token("guest"))
        .json(&body);
    let (status, problem) = told(korean.send().await.unwrap()).await;
    assert_eq!((status, &problem["code"]), (400, &json!("COMMON001")));
    let expected = json!([
        { "field": "vehicle_id", "message": "UUID 형식이어야 합니다.", "rule": "STRING_UUID" },
        { "field": "end_datetime", "message": "필수 항목입니다.", "rule": "REQUIRED" },
    ]);
    assert_eq!(problem["errors"], expected);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_any_service_is_asked() {
    let edge = Edge::start().await;
    for (body, field, rule) in [
        (r#"{"vehicle":"x"}"#, "vehicle", "UNKNOWN_FIELD"),
        (r#"{"start_datetime":"tomorrow"}"#, "start_datetime", "TYPE"),
        (r#"{"vehicle_id":"#, "", "JSON"),
    ] {
        let request = edge
            .request("guest", Method::POST, "/v1/bookings")
            .header("content-type", "application/json");
        let (status, problem) = told(request.body(body).send().await.unwrap()).await;
        assert_eq!((status, &problem["code"]), (400, &json!("COMMON001")), "{body}");
        assert_eq!(
            (&problem["errors"][0]["field"], &problem["errors"][0]["rule"]),
            (&json!(field), &json!(rule))
        );
    }
    let query = edge
        .request("guest", Method::GET, "/v1/bookings?state=pending")
        .send()
        .await
        .unwrap();
    assert_eq!(told(query).await.1["errors"][0]["field"], "state");
    assert_eq!(edge.services.calls(), 0);
}

#[tokio::test]
async fn without_a_good_token_nobody_is_let_in() {
    let edge = Edge::start().await;
    let other =
        carshare_testkit::Tokens::new()
            .unwrap()
            .mint("guest", USER, "2026-11-22T12:00:00Z".parse().unwrap());
    let expired = edge.token("guest");
    let ask = async |token: Option<&str>| {
        let request = edge.anonymous(Method::GET, "/v1/bookings");
        let request = token.into_iter().fold(request, RequestBuilder::bearer_auth);
        let response = request.send().await.unwrap();
        let challenge = header(&response, "www-authenticate").unwrap().to_owned();
        let (status, problem) = told(response).await;
        (status, problem["code"].as_str().unwrap().to_owned(), challenge)
    };
    let plain = (401, "AUTH001".to_owned(), r#"Bearer realm="carshare""#.to_owned());
    assert_eq!(ask(None).await, plain);
    assert_eq!(ask(Some("nonsense")).await, plain);
    assert_eq!(ask(Some(&other)).await, plain);
    edge.clock.advance(Duration::from_mins(15));
    let invalid = r#"Bearer realm="carshare", error="invalid_token""#.to_owned();
    assert_eq!(ask(Some(&expired)).await, (401, "AUTH002".to_owned(), invalid));
    assert_eq!(edge.services.calls(), 0);
}

#[tokio::test]
async fn a_role_that_is_not_named_is_forbidden() {
    let edge = Edge::start().await;
    let response = edge
        .request("host", Method::POST, "/v1/bookings")
        .json(&booking(""))
        .send()
        .await
        .unwrap();
    let (status, problem) = told(response).await;
    assert_eq!((status, &problem["code"]), (403, &json!("AUTH003")));
    assert_eq!(edge.services.calls(), 0);
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_a_problem_too() {
    let edge = Edge::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/bookings/",
        "/v1/nothing",
        "/carshare.booking.v1.BookingService/GetBooking",
    ] {
        let (status, problem) = told(edge.request("guest", Method::GET, path).send().await.unwrap()).await;
        assert_eq!((status, &problem["code"]), (404, &json!("COMMON002")), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let edge = Edge::start().await;
    for (method, path, allow) in [
        (Method::PATCH, "/v1/bookings", "GET, HEAD, POST"),
        (Method::GET, "/v1/auth/login", "POST"),
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::DELETE, "/openapi.json", "GET, HEAD"),
    ] {
        let response = edge.request("guest", method, path).send().await.unwrap();
        assert_eq!(header(&response, "allow"), Some(allow), "{path}");
        let (status, problem) = told(response).await;
        assert_eq!((status, &problem["code"]), (405, &json!("COMMON011")), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_or_no_json_is_refused() {
    let edge = Edge::start_with(|config| config.service.edge.max_body_bytes = 512).await;
    let large = edge
        .request("guest", Method::POST, "/v1/bookings")
        .json(&booking(&"x".repeat(600)));
    let (status, problem) = told(large.send().await.unwrap()).await;
    assert_eq!((status, &problem["code"]), (413, &json!("COMMON009")));
    let form = edge
        .request("guest", Method::POST, "/v1/bookings")
        .form(&[("vehicle_id", VEHICLE)]);
    let (status, problem) = told(form.send().await.unwrap()).await;
    assert_eq!((status, &problem["code"]), (415, &json!("COMMON010")));
}

#[tokio::test]
async fn a_service_that_is_down_is_unavailable_and_says_when_to_come_back() {
    let edge = Edge::start().await;
    let response = edge
        .request("guest", Method::GET, "/v1/payments/history")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&response, "retry-after"), Some("1"));
    let (status, problem) = told(response).await;
    assert_eq!((status, &problem["code"]), (503, &json!("COMMON005")));
}

#[tokio::test]
async fn a_service_that_is_not_configured_is_unavailable() {
    let edge = Edge::start_with(|config| drop(config.service.peers.remove("booking"))).await;
    let (status, problem) = told(
        edge.request("guest", Method::GET, "/v1/bookings")
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((status, &problem["code"]), (503, &json!("COMMON005")));
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up() {
    let edge =
        Edge::start_with(|config| config.common.server.request_timeout = Duration::from_millis(300)).await;
    let response = edge
        .request("guest", Method::POST, "/v1/bookings")
        .json(&booking("hang"))
        .send()
        .await
        .unwrap();
    let (status, problem) = told(response).await;
    assert_eq!((status, &problem["code"]), (504, &json!("COMMON006")));
}

#[tokio::test]
async fn inner_text_of_a_service_never_goes_out() {
    let edge = Edge::start().await;
    let response = edge
        .request("guest", Method::POST, "/v1/bookings")
        .json(&booking("bare"))
        .send()
        .await
        .unwrap();
    let (status, problem) = told(response).await;
    assert_eq!((status, &problem["code"]), (500, &json!("COMMON007")));
    assert!(!problem.to_string().contains("secret"));
}

#[tokio::test]
async fn a_signed_out_token_is_refused_and_believed_only_while_redis_is_away() {
    let redis = carshare_testkit::redis_url().await;
    let (proxy, url) = carshare_testkit::proxy::FaultProxy::in_front_of(&redis)
        .await
        .unwrap();
    let edge =
        Edge::start_with(|config| config.service.redis = Some(carshare_chassis::config::Redis::at(url)))
            .await;
    let claims = edge
        .tokens
        .claims("guest", USER, "2026-11-22T12:00:00Z".parse().unwrap());
    let token = edge.tokens.sign(&claims).unwrap();
    let ask = async || {
        let request = edge.anonymous(Method::GET, "/v1/bookings").bearer_auth(&token);
        let (status, problem) = told(request.send().await.unwrap()).await;
        (status, problem["code"].as_str().map(str::to_owned))
    };
    assert_eq!(ask().await, (200, None));
    let list = carshare_chassis::config::Redis::at(redis);
    let policy = carshare_chassis::config::RevocationPolicy::Open;
    let revocations = carshare_chassis::identity::Revocations::new(&list, policy).unwrap();
    let (clock, _) = carshare_chassis::Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
    revocations
        .revoke(claims.jti, clock.now() + TimeDelta::minutes(15), &clock)
        .await
        .unwrap();
    assert_eq!(ask().await, (401, Some("AUTH004".to_owned())));
    proxy.cut();
    assert_eq!(ask().await, (200, None));
}
