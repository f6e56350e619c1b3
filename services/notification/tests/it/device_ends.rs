//! The end of a device: `UnregisterDevice` and `session.ended`.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1 as pb;
use carshare_sandbox::{Fault, Provider};
use carshare_service_testkit::{assert_reason, into_message, with_idempotency_key};
use carshare_testkit::eventually_true;
use uuid::Uuid;

use crate::harness::{Harness, TIMEOUT, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);
const SESSION: Uuid = Uuid::from_u128(0x5E);
const LATER_SESSION: Uuid = Uuid::from_u128(0x5F);

/// Lets the pushes of a new booking fail once, so that they are pending.
async fn fail_pushes(harness: &Harness, count: u32) {
    let fault = Fault::error(Provider::Fcm, "messages:send", 503).times(count);
    harness.sandbox.inject(fault);
    harness.request_booking(HOST).await;
    let failed = "SELECT count(*) AS count FROM deliveries WHERE state = 'pending' AND outcome IS NOT NULL";
    eventually_true(TIMEOUT, || async {
        harness.count(failed).await == i64::from(count)
    })
    .await;
}

/// Waits until no push is pending and returns the tokens that got one.
async fn pushed_to(harness: &Harness) -> Vec<String> {
    let pending = "SELECT count(*) AS count FROM deliveries WHERE state = 'pending'";
    eventually_true(TIMEOUT, || async {
        harness.clock.advance(Duration::from_secs(10));
        harness.count(pending).await == 0
    })
    .await;
    let pushes = harness.sandbox.pushes().into_iter();
    pushes.map(|push| push.token).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn session_end_deletes_its_device_and_drops_the_pending_push() {
    let harness = harness().await;
    for (session, token) in [(SESSION, "sbx-phone"), (LATER_SESSION, "sbx-tablet")] {
        let device = harness.register_in(HOST, session, token).await;
        device.expect("a device");
    }
    fail_pushes(&harness, 2).await;
    harness.end_session(HOST, SESSION).await;
    assert_eq!(pushed_to(&harness).await, ["sbx-tablet"]);
    harness.request_booking(HOST).await;
    harness.list_when(HOST, 2).await;
    assert_eq!(pushed_to(&harness).await, ["sbx-tablet", "sbx-tablet"]);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_of_a_later_session_survives_the_end_of_the_earlier_one() {
    let harness = harness().await;
    for session in [SESSION, LATER_SESSION] {
        let device = harness.register_in(HOST, session, "sbx-phone").await;
        device.expect("a device");
    }
    harness.end_session(HOST, SESSION).await;
    harness.request_booking(HOST).await;
    harness.list_when(HOST, 1).await;
    assert_eq!(pushed_to(&harness).await, ["sbx-phone"]);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_in_an_ended_session_is_refused() {
    let harness = harness().await;
    harness.end_session(HOST, SESSION).await;
    let refused = harness.register_in(HOST, SESSION, "sbx-phone").await;
    assert_reason(refused, Common::TokenRevoked);
    assert_eq!(harness.row_count("devices").await, 0);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_concurrent_with_the_session_end_leaves_no_device() {
    let harness = harness().await;
    let race = |number: u128| {
        let (harness, session) = (&harness, Uuid::from_u128(0x1000 + number));
        async move {
            let token = format!("sbx-{number}");
            let (registered, ()) = tokio::join!(
                harness.register_in(HOST, session, &token),
                harness.publish_session_ended(HOST, session)
            );
            if registered.is_err() {
                assert_reason(registered, Common::TokenRevoked);
            }
        }
    };
    futures::future::join_all((0..20).map(race)).await;
    harness.handled().await;
    assert_eq!(harness.row_count("devices").await, 0);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unregistered_device_gets_no_pending_and_no_later_push() {
    let harness = harness().await;
    let device = harness
        .register_device(HOST, "sbx-phone")
        .await
        .expect("a device");
    fail_pushes(&harness, 1).await;
    harness.unregister_device(HOST, &device.id).await.expect("gone");
    harness.request_booking(HOST).await;
    harness.list_when(HOST, 2).await;
    assert_eq!(pushed_to(&harness).await, Vec::<String>::new());
    assert_reason(
        harness.unregister_device(HOST, &device.id).await,
        pb::ErrorReason::DeviceNotFound,
    );
    let again = harness.register_device(HOST, "sbx-phone").await.expect("again");
    assert_ne!(again.id, device.id);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_of_another_user_or_with_an_invalid_id_is_not_unregistered() {
    let harness = harness().await;
    let device = harness
        .register_device(HOST, "sbx-phone")
        .await
        .expect("a device");
    let foreign = harness.unregister_device(OTHER, &device.id).await;
    assert_reason(foreign, pb::ErrorReason::DeviceNotFound);
    let invalid = harness.unregister_device(HOST, "x").await;
    let error = assert_reason(invalid, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "device_id");
    assert_eq!(harness.row_count("devices").await, 1);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_unregistration_with_the_same_key_succeeds() {
    let harness = harness().await;
    let device = harness
        .register_device(HOST, "sbx-phone")
        .await
        .expect("a device");
    for _ in 0..2 {
        let device_id = device.id.clone();
        let request = harness.as_user(HOST, pb::UnregisterDeviceRequest { device_id });
        let request = with_idempotency_key(request, "k-1");
        into_message(harness.rpc.clone().unregister_device(request).await).expect("gone");
    }
    harness.stop().await;
}
