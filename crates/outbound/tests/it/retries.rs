//! What is repeated, when, and how often.

use std::time::Duration;

use carshare_outbound::{Config, Effect, OutboundError};
use chrono::TimeDelta;
use http::Method;
use wiremock::ResponseTemplate;

use crate::fixture::{Fixture, status};

#[tokio::test]
async fn a_get_is_repeated_with_growing_pauses_until_it_succeeds() {
    let it = Fixture::new(vec![status(503), status(500), status(429), status(200)]).await;
    let reply = it.moving(it.client.get("/x").send()).await.unwrap();

    assert_eq!((reply.status.as_u16(), it.request_count().await), (200, 4));
    for (pause, least_ms) in it.pauses().into_iter().zip([50, 100, 200]) {
        assert!(
            pause >= TimeDelta::milliseconds(least_ms),
            "{pause} < {least_ms} ms"
        );
    }
}

#[tokio::test]
async fn after_three_repetitions_the_last_answer_is_the_error() {
    let it = Fixture::new(vec![ResponseTemplate::new(503).set_body_string("down")]).await;
    let error = it.moving(it.client.get("/x").send()).await.unwrap_err();

    assert_eq!(it.request_count().await, 4);
    let reply = error.reply().unwrap();
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (503, &b"down"[..]));
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn a_post_is_repeated_only_with_an_idempotency_key_and_always_the_same_one() {
    let it = Fixture::new(vec![status(503), status(503), status(200)]).await;
    let without = it.client.post("/pay").json(&1).send().await.unwrap_err();
    assert!(matches!(without, OutboundError::Status(_)));
    assert_eq!(it.request_count().await, 1);

    let call = it.client.post("/pay").idempotency_key("pay:1").json(&1).send();
    assert_eq!(it.moving(call).await.unwrap().status, 200);
    let requests = it.requests().await;
    assert_eq!(requests.len(), 3);
    assert!(
        requests[1..]
            .iter()
            .all(|r| r.headers["idempotency-key"] == "pay:1" && r.body == b"1")
    );
}

#[tokio::test]
async fn other_methods_are_never_repeated() {
    let it = Fixture::new(vec![status(503)]).await;
    it.client
        .delete("/x")
        .idempotency_key("k")
        .send()
        .await
        .unwrap_err();
    it.client
        .request(Method::PUT, "/x")
        .idempotency_key("k")
        .send()
        .await
        .unwrap_err();
    assert_eq!(it.request_count().await, 2);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "7");
    let it = Fixture::new(vec![busy, status(200)]).await;
    assert_eq!(it.moving(it.client.get("/x").send()).await.unwrap().status, 200);
    assert_eq!(it.pauses().len(), 1);
    assert!(it.pauses()[0] >= TimeDelta::seconds(7));
}

#[tokio::test]
async fn a_retry_after_beyond_the_time_of_the_call_ends_it_at_once() {
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "11");
    let it = Fixture::new(vec![busy]).await;
    let error = it.client.get("/x").send().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(11)));
    assert_eq!(it.request_count().await, 1);
}

#[tokio::test]
async fn a_clock_that_stands_still_cannot_hold_a_call_beyond_its_time() {
    let it = Fixture::new(vec![status(503)]).await;
    let error = it
        .client
        .get("/x")
        .timeout(Duration::from_millis(300))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.reply().unwrap().status, 503);
    assert_eq!(it.request_count().await, 1);
}

#[tokio::test]
async fn retries_can_be_switched_off() {
    let it = Fixture::with(
        vec![status(503)],
        Config {
            max_retries: 0,
            ..Config::default()
        },
    )
    .await;
    it.client.get("/x").send().await.unwrap_err();
    assert_eq!(it.request_count().await, 1);
}
