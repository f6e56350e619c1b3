//! Retries: which calls, when and how often.

use std::time::Duration;

use carshare_outbound::{Config, Effect, OutboundError};
use chrono::TimeDelta;
use http::Method;
use wiremock::ResponseTemplate;

use crate::fixture::{Fixture, status};

#[tokio::test]
async fn get_is_retried_with_growing_delays_until_it_succeeds() {
    let fixture = Fixture::new(vec![status(503), status(500), status(429), status(200)]).await;
    let reply = fixture
        .with_moving_clock(fixture.client.get("/x").send())
        .await
        .unwrap();

    assert_eq!((reply.status.as_u16(), fixture.request_count().await), (200, 4));
    for (pause, least_ms) in fixture.intervals().into_iter().zip([50, 100, 200]) {
        assert!(
            pause >= TimeDelta::milliseconds(least_ms),
            "{pause} < {least_ms} ms"
        );
    }
}

#[tokio::test]
async fn error_after_three_retries_is_the_last_reply() {
    let fixture = Fixture::new(vec![ResponseTemplate::new(503).set_body_string("down")]).await;
    let error = fixture
        .with_moving_clock(fixture.client.get("/x").send())
        .await
        .unwrap_err();

    assert_eq!(fixture.request_count().await, 4);
    let reply = error.reply().unwrap();
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (503, &b"down"[..]));
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn post_is_retried_only_with_an_idempotency_key_and_keeps_it() {
    let fixture = Fixture::new(vec![status(503), status(503), status(200)]).await;
    let without = fixture.client.post("/pay").json(&1).send().await.unwrap_err();
    assert!(matches!(without, OutboundError::Status(_)));
    assert_eq!(fixture.request_count().await, 1);

    let call = fixture
        .client
        .post("/pay")
        .idempotency_key("pay:1")
        .json(&1)
        .send();
    assert_eq!(fixture.with_moving_clock(call).await.unwrap().status, 200);
    let requests = fixture.requests().await;
    assert_eq!(requests.len(), 3);
    assert!(
        requests[1..]
            .iter()
            .all(|r| r.headers["idempotency-key"] == "pay:1" && r.body == b"1")
    );
}

#[tokio::test]
async fn other_methods_are_not_retried() {
    let fixture = Fixture::new(vec![status(503)]).await;
    fixture
        .client
        .delete("/x")
        .idempotency_key("k")
        .send()
        .await
        .unwrap_err();
    fixture
        .client
        .request(Method::PUT, "/x")
        .idempotency_key("k")
        .send()
        .await
        .unwrap_err();
    assert_eq!(fixture.request_count().await, 2);
}

#[tokio::test]
async fn retry_after_replaces_the_delay() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "7");
    let fixture = Fixture::new(vec![busy, status(200)]).await;
    assert_eq!(
        fixture
            .with_moving_clock(fixture.client.get("/x").send())
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(fixture.intervals().len(), 1);
    assert!(fixture.intervals()[0] >= TimeDelta::seconds(7));
}

#[tokio::test]
async fn retry_after_beyond_the_deadline_ends_the_call() {
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "11");
    let fixture = Fixture::new(vec![busy]).await;
    let error = fixture.client.get("/x").send().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(11)));
    assert_eq!(fixture.request_count().await, 1);
}

#[tokio::test]
async fn call_with_a_stopped_clock_ends_at_its_timeout() {
    let fixture = Fixture::new(vec![status(503)]).await;
    let error = fixture
        .client
        .get("/x")
        .timeout(Duration::from_millis(300))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.reply().unwrap().status, 503);
    assert_eq!(fixture.request_count().await, 1);
}

#[tokio::test]
async fn zero_max_retries_disables_retries() {
    let fixture = Fixture::with(
        vec![status(503)],
        Config {
            max_retries: 0,
            ..Config::default()
        },
    )
    .await;
    fixture.client.get("/x").send().await.unwrap_err();
    assert_eq!(fixture.request_count().await, 1);
}
