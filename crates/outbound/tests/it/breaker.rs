//! The breaker, seen by callers.

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
async fn five_failures_in_a_row_open_it_and_nothing_is_sent_any_more() {
    let it = Fixture::with(vec![status(500)], no_retries()).await;
    for _ in 0..5 {
        let error = it.client.post("/pay").send().await.unwrap_err();
        assert_eq!(open_for(&error), None);
    }
    let error = it.client.post("/pay").send().await.unwrap_err();
    assert_eq!(open_for(&error), Some(Duration::from_secs(30)));
    assert_eq!(
        (error.effect(), error.definitely_not_sent()),
        (Effect::None, true)
    );
    assert_eq!(it.request_count().await, 5);
    assert!(it.client.is_open());
}

#[tokio::test]
async fn after_30_seconds_one_probe_goes_through_and_its_success_closes_it() {
    let mut answers = vec![status(500); 5];
    answers.push(status(200).set_delay(Duration::from_millis(200)));
    answers.push(status(200));
    let it = Fixture::with(answers, no_retries()).await;
    for _ in 0..5 {
        it.client.get("/x").send().await.unwrap_err();
    }
    it.clock.advance(Duration::from_secs(29));
    assert_eq!(
        open_for(&it.client.get("/x").send().await.unwrap_err()),
        Some(Duration::from_secs(1))
    );

    it.clock.advance(Duration::from_secs(1));
    let calls = futures::future::join_all((0..4).map(|_| it.client.get("/x").send())).await;
    assert_eq!(calls.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(
        calls
            .iter()
            .filter_map(|result| open_for(result.as_ref().err()?))
            .count(),
        3
    );
    assert_eq!(it.request_count().await, 6);
    assert!(!it.client.is_open());
    assert_eq!(it.client.get("/x").send().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_probe_that_fails_opens_it_again_for_30_seconds() {
    let it = Fixture::with(vec![status(503)], no_retries()).await;
    for _ in 0..5 {
        it.client.get("/x").send().await.unwrap_err();
    }
    it.clock.advance(Duration::from_secs(30));
    assert_eq!(open_for(&it.client.get("/x").send().await.unwrap_err()), None);
    let error = it.client.get("/x").send().await.unwrap_err();
    assert_eq!(open_for(&error), Some(Duration::from_secs(30)));
    assert_eq!(it.request_count().await, 6);
}

#[tokio::test]
async fn refusals_are_no_failures() {
    let it = Fixture::with(vec![status(403)], no_retries()).await;
    for _ in 0..10 {
        assert_eq!(it.client.get("/x").send().await.unwrap().status, 403);
    }
    assert!(!it.client.is_open());
}

#[tokio::test]
async fn opening_in_the_middle_of_a_call_does_not_hide_what_happened_before() {
    let it = Fixture::with(
        vec![status(500)],
        Config {
            breaker_failures: 2,
            ..Config::default()
        },
    )
    .await;
    let call = it.client.post("/pay").idempotency_key("pay:1").send();
    let error = it.moving(call).await.unwrap_err();
    // Two attempts reached the provider, the third was held back: the outcome stays unknown.
    assert_eq!(it.request_count().await, 2);
    assert_eq!(error.reply().unwrap().status, 500);
    assert_eq!(error.effect(), Effect::Unknown);
}
