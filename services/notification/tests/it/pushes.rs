//! Pushes through the FCM sandbox.

use std::time::Duration;

use carshare_sandbox::{Fault, Provider};
use carshare_testkit::{eventually, eventually_true};
use sea_orm::{ConnectionTrait as _, FromQueryResult, raw_sql};
use uuid::Uuid;

use crate::harness::{Harness, TIMEOUT, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);

#[derive(FromQueryResult, Debug, PartialEq, Eq)]
struct Delivery {
    state: String,
    attempts: i32,
    outcome: Option<String>,
}

async fn deliveries(harness: &Harness) -> Vec<Delivery> {
    let all = raw_sql!(
        Postgres,
        "SELECT state, attempts, outcome FROM deliveries ORDER BY updated_at, id"
    );
    Delivery::find_by_statement(all)
        .all(harness.db.conn())
        .await
        .expect("rows")
}

/// Waits until a delivery is finished and returns it.
async fn finished(harness: &Harness) -> Delivery {
    eventually(TIMEOUT, || async {
        deliveries(harness)
            .await
            .into_iter()
            .find(|d| d.state != "pending")
    })
    .await
}

/// Registers a device, lets FCM fail once, and waits for the failed attempt of a push to it.
async fn fail_push(harness: &Harness) {
    harness
        .register_device(HOST, "sbx-phone")
        .await
        .expect("a device");
    harness
        .sandbox
        .inject(Fault::error(Provider::Fcm, "messages:send", 503));
    harness.request_booking(HOST).await;
    eventually_true(TIMEOUT, || async {
        deliveries(harness).await.iter().any(|d| d.outcome.is_some())
    })
    .await;
}

fn delivery(state: &str, attempts: i32, outcome: &str) -> Delivery {
    Delivery {
        state: state.to_owned(),
        attempts,
        outcome: Some(outcome.to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn push_is_sent_to_each_device_of_the_user() {
    let harness = harness().await;
    for token in ["sbx-phone", "sbx-tablet"] {
        harness.register_device(HOST, token).await.expect("a device");
    }
    harness
        .register_device(OTHER, "sbx-other")
        .await
        .expect("a device");
    let booking_id = harness.request_booking(HOST).await.to_string();
    eventually_true(TIMEOUT, || async { harness.sandbox.pushes().len() == 2 }).await;
    let pushes = harness.sandbox.pushes();
    let mut tokens: Vec<_> = pushes.iter().map(|push| push.token.as_str()).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, ["sbx-phone", "sbx-tablet"]);
    assert_eq!(pushes[0].title.as_deref(), Some("새로운 예약 요청"));
    assert_eq!(
        (pushes[0].data["type"].as_str(), &pushes[0].data["booking_id"]),
        ("booking.requested", &booking_id)
    );
    assert_eq!(
        harness.sandbox.request_count(Provider::Fcm, "/token"),
        1,
        "one access token for both"
    );
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_with_an_invalid_token_is_deleted() {
    let harness = harness().await;
    harness
        .register_device(HOST, "sbx-unregistered")
        .await
        .expect("a device");
    harness.request_booking(HOST).await;
    assert_eq!(finished(&harness).await, delivery("dropped", 1, "UNREGISTERED"));
    harness.request_booking(HOST).await;
    harness.list_when(HOST, 2).await;
    assert_eq!(deliveries(&harness).await.len(), 1, "the device is deleted");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_push_is_retried_when_due() {
    let harness = harness().await;
    fail_push(&harness).await;
    assert_eq!(harness.sandbox.pushes().len(), 0);
    eventually_true(TIMEOUT, || async {
        harness.clock.advance(Duration::from_secs(10));
        !harness.sandbox.pushes().is_empty()
    })
    .await;
    let sent = finished(&harness).await;
    assert_eq!((sent.state.as_str(), sent.attempts), ("sent", 2));
    assert_eq!(harness.sandbox.pushes().len(), 1);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_access_token_is_renewed_at_once() {
    let harness = harness().await;
    harness
        .register_device(HOST, "sbx-phone")
        .await
        .expect("a device");
    harness.request_booking(HOST).await;
    eventually_true(TIMEOUT, || async { harness.sandbox.pushes().len() == 1 }).await;
    harness.sandbox.revoke_access_tokens();
    harness.request_booking(HOST).await;
    eventually_true(TIMEOUT, || async { harness.sandbox.pushes().len() == 2 }).await;
    assert_eq!(harness.sandbox.request_count(Provider::Fcm, "/token"), 2);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_by_another_user_drops_pending_pushes() {
    let harness = harness().await;
    fail_push(&harness).await;
    harness.register_device(OTHER, "sbx-phone").await.expect("moved");
    assert_eq!(
        deliveries(&harness).await,
        [delivery("dropped", 1, "device moved")]
    );
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_push_of_a_deleted_device_is_dropped() {
    let harness = harness().await;
    fail_push(&harness).await;
    // A notification may be committed concurrently with the deletion of its device.
    let removed = harness.db.conn().execute_unprepared("DELETE FROM devices");
    assert_eq!(removed.await.expect("rows").rows_affected(), 1);
    eventually_true(TIMEOUT, || async {
        harness.clock.advance(Duration::from_mins(1));
        deliveries(&harness).await == [delivery("dropped", 1, "device gone")]
    })
    .await;
    harness.stop().await;
}
