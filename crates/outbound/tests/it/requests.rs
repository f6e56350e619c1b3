//! Requests as the provider receives them.

use carshare_chassis::request_context::RequestContext;
use carshare_outbound::{Config, Effect, HttpClient, OutboundError, segment};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::fixture::{Fixture, environment, status};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn request_is_sent_as_built_and_its_reply_returned() {
    let fixture = Fixture::new(vec![
        ResponseTemplate::new(200).set_body_json(json!({ "status": "DONE" })),
    ])
    .await;
    let reply = fixture
        .client
        .post(&format!("/v1/billing/{}", segment("a/b")))
        .query(&[("q", "서울 강남구")])
        .header("accept-language", "ko")
        .basic("test_sk", "")
        .idempotency_key("charge:1:1")
        .json(&json!({ "amount": 45_000 }))
        .send()
        .await
        .unwrap();

    assert_eq!(
        reply.json::<serde_json::Value>().unwrap(),
        json!({ "status": "DONE" })
    );
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let request = &fixture.requests().await[0];
    assert_eq!(request.url.path(), "/v1/billing/a%2Fb");
    assert_eq!(request.url.query_pairs().next().unwrap().1, "서울 강남구");
    assert_eq!(request.headers["authorization"], "Basic dGVzdF9zazo=");
    assert_eq!(request.headers["idempotency-key"], "charge:1:1");
    assert_eq!(request.headers["accept-language"], "ko");
    assert_eq!(request.body, br#"{"amount":45000}"#);
}

#[tokio::test]
async fn base_url_may_have_a_path() {
    let fixture = Fixture::new(vec![status(200)]).await;
    let config = Config {
        base_url: format!("{}/kakao/", fixture.server.uri()),
        ..Config::default()
    };
    let client = HttpClient::new("kakao", config, environment().0).unwrap();
    client.get("/v2/local").send().await.unwrap();
    assert_eq!(fixture.requests().await[0].url.path(), "/kakao/v2/local");
}

#[tokio::test]
async fn reply_with_4xx_is_returned() {
    let fixture = Fixture::new(vec![status(404)]).await;
    let reply = fixture.client.get("/v1/payments/x").send().await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.is_success()), (404, false));
    assert_eq!(fixture.request_count().await, 1);
}

#[tokio::test]
async fn traceparent_of_the_request_context_is_sent() {
    let fixture = Fixture::new(vec![status(200)]).await;
    let scope = RequestContext::background("correlation-1", Some(TRACEPARENT));
    scope.run(fixture.client.get("/x").send()).await.unwrap();
    fixture.client.get("/x").send().await.unwrap();
    let requests = fixture.requests().await;
    assert_eq!(requests[0].headers["traceparent"], TRACEPARENT);
    assert!(!requests[1].headers.contains_key("traceparent"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = ResponseTemplate::new(302).insert_header("location", "/elsewhere");
    let fixture = Fixture::new(vec![elsewhere]).await;
    let reply = fixture.client.get("/x").bearer("token").send().await.unwrap();
    assert_eq!((reply.status.as_u16(), fixture.request_count().await), (302, 1));
}

#[tokio::test]
async fn path_that_parsing_would_change_is_not_sent() {
    let fixture = Fixture::new(vec![status(200)]).await;
    for path in [
        "/v1/payments/../billing/key",
        "/v1/payments/%2e%2e/billing/key",
        "/v1/payments/가",
        "no-slash",
        "@evil.example/",
        "/a b",
    ] {
        let error = fixture.client.get(path).send().await.unwrap_err();
        assert!(matches!(error, OutboundError::Request(_)), "{path}: {error}");
        assert_eq!(
            (error.effect(), error.definitely_not_sent()),
            (Effect::None, true)
        );
    }
    assert_eq!(fixture.request_count().await, 0);
}

#[tokio::test]
async fn request_that_cannot_be_encoded_is_not_sent() {
    let fixture = Fixture::new(vec![status(200)]).await;
    let bad_header = fixture
        .client
        .get("/x")
        .header("x-note", "line\nbreak")
        .send()
        .await
        .unwrap_err();
    assert!(matches!(bad_header, OutboundError::Request(_)), "{bad_header}");
    let bad_secret = fixture
        .client
        .get("/x")
        .secret_header("x-key", "a\nb")
        .send()
        .await
        .unwrap_err();
    assert!(matches!(bad_secret, OutboundError::Request(_)), "{bad_secret}");
    for base_url in ["", "not a url", "ftp://host", "http://host/?q=1"] {
        let config = Config {
            base_url: base_url.to_owned(),
            ..Config::default()
        };
        assert!(
            HttpClient::new("x", config, environment().0).is_err(),
            "{base_url}"
        );
    }
}
