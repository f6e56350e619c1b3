//! Circuit breaker.

use std::time::Duration;

use carshare_outbound::{Config, Effect, OutboundError};

use crate::fixture::{Fixture, status};

fn no_retries() -> Config {
    Config {
        max_retries: 0,
        ..Config::default()
    }
}

fn open_for(error: &OutboundError) -> Option<Duration> {
    match error {
        OutboundError::Open(wait) => Some(*wait),
        _ => None,
    }
}

#[tokio::test]
async fn five_consecutive_failures_open_the_breaker_and_stop_requests() {
    let fixture = Fixture::with(vec![status(500)], no_retries()).await;
    for _ in 0..5 {
        let error = fixture.client.post("/pay").send().await.unwrap_err();
        assert_eq!(open_for(&error), None);
    }
    let error = fixture.client.post("/pay").send().await.unwrap_err();
    assert_eq!(open_for(&error), Some(Duration::from_secs(30)));
    assert_eq!(
        (error.effect(), error.definitely_not_sent()),
        (Effect::None, true)
    );
    assert_eq!(fixture.request_count().await, 5);
    assert!(fixture.client.is_open());
}

#[tokio::test]
async fn successful_probe_after_30_seconds_closes_the_breaker() {
    let mut answers = vec![status(500); 5];
    answers.push(status(200).set_delay(Duration::from_millis(200)));
    answers.push(status(200));
    let fixture = Fixture::with(answers, no_retries()).await;
    for _ in 0..5 {
        fixture.client.get("/x").send().await.unwrap_err();
    }
    fixture.clock.advance(Duration::from_secs(29));
    assert_eq!(
        open_for(&fixture.client.get("/x").send().await.unwrap_err()),
        Some(Duration::from_secs(1))
    );

    fixture.clock.advance(Duration::from_secs(1));
    let calls = futures::future::join_all((0..4).map(|_| fixture.client.get("/x").send())).await;
    assert_eq!(calls.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(
        calls
            .iter()
            .filter_map(|result| open_for(result.as_ref().err()?))
            .count(),
        3
    );
    assert_eq!(fixture.request_count().await, 6);
    assert!(!fixture.client.is_open());
    assert_eq!(fixture.client.get("/x").send().await.unwrap().status, 200);
}

#[tokio::test]
async fn failed_probe_opens_the_breaker_for_another_30_seconds() {
    let fixture = Fixture::with(vec![status(503)], no_retries()).await;
    for _ in 0..5 {
        fixture.client.get("/x").send().await.unwrap_err();
    }
    fixture.clock.advance(Duration::from_secs(30));
    assert_eq!(
        open_for(&fixture.client.get("/x").send().await.unwrap_err()),
        None
    );
    let error = fixture.client.get("/x").send().await.unwrap_err();
    assert_eq!(open_for(&error), Some(Duration::from_secs(30)));
    assert_eq!(fixture.request_count().await, 6);
}

#[tokio::test]
async fn replies_with_4xx_do_not_count_as_failures() {
    let fixture = Fixture::with(vec![status(403)], no_retries()).await;
    for _ in 0..10 {
        assert_eq!(fixture.client.get("/x").send().await.unwrap().status, 403);
    }
    assert!(!fixture.client.is_open());
}

#[tokio::test]
async fn breaker_that_opens_during_a_call_keeps_the_unknown_effect() {
    let fixture = Fixture::with(
        vec![status(500)],
        Config {
            breaker_failures: 2,
            ..Config::default()
        },
    )
    .await;
    let call = fixture.client.post("/pay").idempotency_key("pay:1").send();
    let error = fixture.with_moving_clock(call).await.unwrap_err();
    // Two attempts reached the provider and the breaker refused the third: the effect stays unknown.
    assert_eq!(fixture.request_count().await, 2);
    assert_eq!(error.reply().unwrap().status, 500);
    assert_eq!(error.effect(), Effect::Unknown);
}
