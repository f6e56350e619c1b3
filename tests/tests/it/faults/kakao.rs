//! Failures of Kakao's map API: registration is 503 and stores nothing; a circuit breaker spares Kakao.

use std::time::Duration;

use carshare_chassis::Environment;
use carshare_mesh::{Mesh, Options};
use carshare_sandbox::{Fault, Provider};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Host, Response, Sql, invariants, start};

const SEARCH: &str = "/v2/local/search/address.json";

fn car(plate: &str) -> Value {
    json!({
        "license_plate": plate, "make": "Kia", "model": "Ray", "year": 2024,
        "hourly_rate": 7_000, "location_address": "서울 강남구 테헤란로 152",
    })
}

/// Asserts 503; the seconds of `Retry-After`.
fn unavailable(response: Response) -> u64 {
    let wait = response.headers.get("retry-after").expect("Retry-After").clone();
    response.expect_error(503, "VEHICLE007");
    wait.to_str().expect("text").parse().expect("seconds")
}

async fn assert_nothing_stored(mesh: &Mesh) {
    let sql = Sql::of(mesh);
    let stored = "SELECT (SELECT count(*) FROM vehicle.vehicles) + (SELECT count(*) FROM vehicle.outbox)";
    assert_eq!(sql.count(stored).await, 0);
}

#[rstest]
#[case::down(Fault::refuse(Provider::Kakao, SEARCH))]
#[case::slow(Fault::delay(Provider::Kakao, SEARCH, 3_000))]
#[case::failing(Fault::error(Provider::Kakao, SEARCH, 500))]
#[case::out_of_quota(Fault::error(Provider::Kakao, SEARCH, 429))]
#[tokio::test(flavor = "multi_thread")]
async fn car_registration_without_kakao_is_503_and_stores_nothing(#[case] fault: Fault) {
    let options = Options::temporary().with_env("VEHICLE__KAKAO__HTTP__TIMEOUT_MS", "1000");
    let mesh = start(options).await;
    let host = Host::register(&mesh).await;
    mesh.sandbox().inject(fault.times(4));

    let response = host
        .rest
        .post_once("/v1/vehicles", "the-same-key", &car("34허5678"))
        .await;
    assert!(unavailable(response) >= 1);
    assert_nothing_stored(&mesh).await;

    mesh.sandbox().clear_faults();
    let made = host
        .rest
        .post_once("/v1/vehicles", "the-same-key", &car("34허5678"))
        .await
        .ok(201);
    assert_eq!(made["license_plate"], "34허5678");
    invariants::assert_hold(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_failures_of_kakao_are_retried() {
    let mesh = crate::harness::mesh().await;
    let host = Host::register(&mesh).await;
    mesh.sandbox()
        .inject(Fault::error(Provider::Kakao, SEARCH, 503).times(2));
    host.rest.post("/v1/vehicles", &car("34허5678")).await.ok(201);
    assert_eq!(mesh.sandbox().request_count(Provider::Kakao, SEARCH), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn circuit_breaker_opens_after_five_failures_and_closes_after_a_success() {
    let (environment, hand) = Environment::manual("2026-11-22T12:00:00Z".parse().expect("a time"), 7);
    let options = Options::temporary()
        .with_environment(environment)
        .with_env("VEHICLE__KAKAO__HTTP__MAX_RETRIES", "0");
    let mesh = start(options).await;
    let host = Host::register(&mesh).await;
    let create = async |plate: &str| host.rest.post("/v1/vehicles", &car(plate)).await;
    let asked = || mesh.sandbox().request_count(Provider::Kakao, SEARCH);

    mesh.sandbox()
        .inject(Fault::error(Provider::Kakao, SEARCH, 500).times(6));
    for failures in 1..=5 {
        assert_eq!(unavailable(create("34허5678").await), 5);
        assert_eq!(asked(), failures);
    }
    // Open: no request reaches Kakao; `Retry-After` counts down.
    assert_eq!(unavailable(create("34허5678").await), 30);
    hand.advance(Duration::from_secs(10));
    assert_eq!(unavailable(create("34허5678").await), 20);
    assert_eq!(asked(), 5);

    // Half open: one request, which fails.
    hand.advance(Duration::from_secs(20));
    assert_eq!(unavailable(create("34허5678").await), 5);
    assert_eq!(unavailable(create("34허5678").await), 30);
    assert_eq!(asked(), 6);
    assert_nothing_stored(&mesh).await;

    // Half open again: the request succeeds and closes the breaker.
    hand.advance(Duration::from_secs(30));
    create("34허5678").await.ok(201);
    create("34허5679").await.ok(201);
    assert_eq!(asked(), 8);
    invariants::assert_hold(&mesh).await;
}
