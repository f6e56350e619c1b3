//! The client against a server that returns Kakao's responses, successful and not.

use std::time::Duration;

use carshare_chassis::{Environment, ManualClock};
use serde_json::json;
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::domain::Coordinates;

const ADDRESS: &str = "서울 강남구 테헤란로 152";

async fn kakao() -> (MockServer, KakaoGeocoder, ManualClock) {
    let server = MockServer::start().await;
    let config = KakaoConfig {
        rest_key: "rest-key".into(),
        refused_retry_after: Duration::from_mins(1),
        http: carshare_outbound::Config {
            base_url: server.uri(),
            timeout: Duration::from_secs(2),
            max_retries: 0,
            ..carshare_outbound::Config::default()
        },
    };
    let (environment, clock_control) = Environment::manual("2026-11-23T03:00:00Z".parse().unwrap(), 1);
    (
        server,
        KakaoGeocoder::new(&config, environment).unwrap(),
        clock_control,
    )
}

fn hit(address_type: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "meta": { "total_count": 1, "pageable_count": 1, "is_end": true },
        "documents": [{
            "address_name": ADDRESS,
            "address_type": address_type,
            "x": "127.036508620542",
            "y": "37.5000242405515",
            "address": { "address_name": "서울 강남구 역삼동 737" },
            "road_address": null,
        }],
    }))
}

async fn answering(template: ResponseTemplate) -> (MockServer, KakaoGeocoder, ManualClock) {
    let (server, geocoder, clock_control) = kakao().await;
    Mock::given(method("GET"))
        .respond_with(template)
        .mount(&server)
        .await;
    (server, geocoder, clock_control)
}

#[tokio::test]
async fn locate_sends_the_key_and_the_address_without_the_floor() {
    let (server, geocoder, _) = kakao().await;
    Mock::given(method("GET"))
        .and(path("/v2/local/search/address.json"))
        .and(query_param("query", ADDRESS))
        .and(query_param("size", "1"))
        .and(header("authorization", "KakaoAK rest-key"))
        .respond_with(hit("ROAD_ADDR"))
        .expect(1)
        .mount(&server)
        .await;
    let found = geocoder
        .locate("서울 강남구 테헤란로 152, 지하 2층")
        .await
        .unwrap();
    let coordinates = Coordinates {
        lat: 37.500_024_240_551_5,
        lng: 127.036_508_620_542,
    };
    assert_eq!(
        found,
        Some(Location {
            address: ADDRESS.to_owned(),
            coordinates
        })
    );
}

#[tokio::test]
async fn lots_and_buildings_are_found_districts_and_streets_are_not() {
    for (address_type, is_found) in [
        ("ROAD_ADDR", true),
        ("REGION_ADDR", true),
        ("REGION", false),
        ("ROAD", false),
    ] {
        let (_server, geocoder, _) = answering(hit(address_type)).await;
        assert_eq!(
            geocoder.locate(ADDRESS).await.unwrap().is_some(),
            is_found,
            "{address_type}"
        );
    }
}

#[tokio::test]
async fn unknown_and_malformed_addresses_are_not_found() {
    let nothing = json!({ "meta": { "total_count": 0 }, "documents": [] });
    let wrong = json!({ "errorType": "InvalidArgument", "message": "query is too long" });
    for template in [
        ResponseTemplate::new(200).set_body_json(nothing),
        ResponseTemplate::new(400).set_body_json(wrong),
    ] {
        let (_server, geocoder, _) = answering(template).await;
        assert_eq!(geocoder.locate(ADDRESS).await.unwrap(), None);
    }
}

#[tokio::test]
async fn address_without_a_building_is_not_sent() {
    let (server, geocoder, _) = answering(hit("ROAD_ADDR")).await;
    assert_eq!(geocoder.locate("  (지하 주차장)").await.unwrap(), None);
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn errors_of_both_formats_are_reported_without_the_key() {
    let table = [
        (
            401,
            json!({ "errorType": "AccessDeniedError", "message": "appKey(rest-key) does not exist" }),
            60,
        ),
        (
            403,
            json!({ "errorType": "NotAuthorizedError", "message": "App(x) disabled" }),
            60,
        ),
        (
            429,
            json!({ "errorType": "RequestThrottled", "message": "API limit has been exceeded." }),
            60,
        ),
        (
            401,
            json!({ "code": -401, "msg": "wrong appKey(rest-key) format" }),
            60,
        ),
        (429, json!({ "code": -10, "msg": "API limit" }), 60),
    ];
    for (status, body, seconds) in table {
        let (_server, geocoder, _) = answering(ResponseTemplate::new(status).set_body_json(&body)).await;
        let refused = geocoder.locate(ADDRESS).await.unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_secs(seconds), "{body}");
        let kind = body["errorType"]
            .as_str()
            .map_or_else(|| format!("code {}", body["code"]), str::to_owned);
        let error = format!("{:#}", refused.cause);
        assert!(error.ends_with(&kind) && !error.contains("rest-key"), "{error}");
    }
}

#[tokio::test]
async fn retry_after_of_kakao_is_passed_on() {
    let throttled = ResponseTemplate::new(429)
        .insert_header("retry-after", "7")
        .set_body_json(json!({}));
    let (_server, geocoder, _) = answering(throttled).await;
    assert_eq!(
        geocoder.locate(ADDRESS).await.unwrap_err().retry_after,
        Duration::from_secs(7)
    );
}

#[tokio::test]
async fn failures_and_malformed_responses_are_unavailable() {
    let templates = [
        ResponseTemplate::new(500).set_body_string("<html>"),
        ResponseTemplate::new(503),
        ResponseTemplate::new(302).insert_header("location", "http://elsewhere"),
        ResponseTemplate::new(200).set_body_string("not json"),
        ResponseTemplate::new(200).set_body_json(json!({ "documents": [{ "address_name": 7 }] })),
    ];
    for template in templates {
        let (_server, geocoder, _) = answering(template).await;
        assert!(geocoder.locate(ADDRESS).await.is_err());
    }
}

#[tokio::test]
async fn slow_map_is_unavailable_after_the_timeout() {
    let (_server, geocoder, _) = answering(hit("ROAD_ADDR").set_delay(Duration::from_secs(30))).await;
    let slow = geocoder.locate(ADDRESS).await.unwrap_err();
    assert_eq!(slow.retry_after, RETRY_AFTER);
    assert_eq!(slow.cause.to_string(), "no reply in time");
}

#[tokio::test]
async fn five_failures_open_the_circuit_breaker_for_thirty_seconds() {
    let (server, geocoder, clock_control) = kakao().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(5)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(hit("ROAD_ADDR"))
        .mount(&server)
        .await;
    for _ in 0..5 {
        assert_eq!(
            geocoder.locate(ADDRESS).await.unwrap_err().retry_after,
            RETRY_AFTER
        );
    }
    clock_control.advance(Duration::from_secs(10));
    assert_eq!(
        geocoder.locate(ADDRESS).await.unwrap_err().retry_after,
        Duration::from_secs(20)
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 5);
    clock_control.advance(Duration::from_secs(20));
    assert!(geocoder.locate(ADDRESS).await.unwrap().is_some());
}
