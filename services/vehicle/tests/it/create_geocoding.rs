//! `CreateVehicle` with unknown addresses and failures of Kakao.

use std::time::Duration;

use carshare_proto::vehicle::v1::*;
use wiremock::ResponseTemplate;

use crate::harness::{Harness, assert_reason};
use crate::kakao::{self, GANGNAM};

#[tokio::test]
async fn create_vehicle_with_an_unknown_address_is_refused_and_stores_nothing() {
    let harness = Harness::start().await;
    let registration = harness.registration("서울 강남구 없는길 1");
    assert_reason(
        harness.create(harness.host(), registration).await,
        ErrorReason::AddressNotFound,
    );
    assert_eq!(
        (
            harness.row_count("vehicles").await,
            harness.row_count("outbox").await
        ),
        (0, 0)
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_during_a_kakao_outage_returns_a_retry_delay() {
    let harness = Harness::start().await;
    let host = harness.host();
    kakao::respond_with(&harness.kakao, ResponseTemplate::new(503)).await;
    for _ in 0..5 {
        let error = assert_reason(
            harness.create(host, harness.registration(GANGNAM)).await,
            ErrorReason::MapUnavailable,
        );
        assert_eq!(error.retry_delay(), Some(Duration::from_secs(5)));
    }
    // The circuit breaker is open: no request is sent, and the error says for how long.
    harness.clock.advance(Duration::from_secs(10));
    let error = assert_reason(
        harness.create(host, harness.registration(GANGNAM)).await,
        ErrorReason::MapUnavailable,
    );
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(20)));
    assert_eq!(kakao::request_count(&harness.kakao).await, 5);
    assert_eq!(
        (
            harness.row_count("vehicles").await,
            harness.row_count("outbox").await
        ),
        (0, 0)
    );
    // The breaker closes when its time is over and Kakao responds.
    kakao::restore(&harness.kakao).await;
    harness.clock.advance(Duration::from_secs(20));
    harness.create(host, harness.registration(GANGNAM)).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_with_a_slow_kakao_times_out() {
    let harness = Harness::start_with(|config| config.kakao.http.timeout = Duration::from_millis(200)).await;
    kakao::respond_with(
        &harness.kakao,
        ResponseTemplate::new(200).set_delay(Duration::from_mins(1)),
    )
    .await;
    let refusal = harness
        .create(harness.host(), harness.registration(GANGNAM))
        .await;
    let error = assert_reason(refusal, ErrorReason::MapUnavailable);
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(5)));
    assert_eq!(harness.row_count("vehicles").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn create_vehicle_over_the_kakao_quota_returns_a_retry_delay() {
    let harness = Harness::start().await;
    let throttled =
        serde_json::json!({ "errorType": "RequestThrottled", "message": "API limit has been exceeded." });
    kakao::respond_with(
        &harness.kakao,
        ResponseTemplate::new(429).set_body_json(throttled),
    )
    .await;
    let refusal = harness
        .create(harness.host(), harness.registration(GANGNAM))
        .await;
    let error = assert_reason(refusal, ErrorReason::MapUnavailable);
    assert_eq!(error.retry_delay(), Some(Duration::from_mins(1)));
    harness.finish().await;
}
