//! `RegisterDevice`.

use std::time::Duration;

use carshare_proto::notification::v1 as pb;
use futures::future::join_all;
use tonic::Code;
use uuid::Uuid;

use crate::harness::{Harness, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);

#[tokio::test(flavor = "multi_thread")]
async fn registered_token_keeps_its_device_and_moves_to_the_latest_user() {
    let harness = harness().await;
    let device = harness.register_device(HOST, "phone").await.expect("a device");
    assert_eq!(device.platform(), pb::DevicePlatform::Android);
    assert_eq!(
        harness.register_device(HOST, "phone").await.expect("again").id,
        device.id
    );
    assert_eq!(
        harness.register_device(OTHER, "phone").await.expect("moved").id,
        device.id
    );
    assert_ne!(
        harness
            .register_device(HOST, "another")
            .await
            .expect("a second")
            .id,
        device.id
    );
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_platform_and_empty_token_are_rejected() {
    let harness = harness().await;
    for (token, platform) in [("", 1), ("phone", 0), ("phone", 9)] {
        let request = harness.as_user(
            HOST,
            pb::RegisterDeviceRequest {
                token: token.into(),
                platform,
            },
        );
        let error = harness
            .rpc
            .clone()
            .register_device(request)
            .await
            .expect_err("an error");
        assert_eq!(error.code(), Code::InvalidArgument, "{token} {platform}");
    }
    harness.stop().await;
}

async fn repeat(harness: &Harness, token: &str) -> Result<pb::Device, tonic::Status> {
    let platform = pb::DevicePlatform::Web.into();
    let mut request = harness.as_user(
        HOST,
        pb::RegisterDeviceRequest {
            token: token.into(),
            platform,
        },
    );
    request
        .metadata_mut()
        .insert("idempotency-key", "k-1".parse().expect("a header"));
    Ok(harness.rpc.clone().register_device(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_key_returns_the_same_reply_and_rejects_another_request() {
    let harness = harness().await;
    let device = repeat(&harness, "phone").await.expect("a device");
    assert_eq!(repeat(&harness, "phone").await.expect("the same"), device);
    assert_eq!(
        repeat(&harness, "other").await.expect_err("reused").code(),
        Code::AlreadyExists
    );
    harness.stop().await;
}

async fn tokens_of(harness: &Harness, user: Uuid) -> Vec<String> {
    let sql = format!("SELECT token AS line FROM devices WHERE user_id = '{user}' ORDER BY token");
    harness.lines(&sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_device_too_many_replaces_the_one_registered_longest_ago() {
    let harness = harness().await;
    let tokens: Vec<String> = (10..=30).map(|number| format!("phone-{number}")).collect();
    for token in &tokens[..20] {
        harness.register_device(HOST, token).await.expect("a device");
        harness.clock.advance(Duration::from_secs(1));
    }
    harness.register_device(OTHER, "theirs").await.expect("a device");
    assert_eq!(tokens_of(&harness, HOST).await, tokens[..20]);
    // The first one is registered again, so that the second one is the oldest.
    harness.register_device(HOST, &tokens[0]).await.expect("again");
    harness
        .register_device(HOST, &tokens[20])
        .await
        .expect("a device");
    let kept: Vec<_> = tokens
        .iter()
        .filter(|token| **token != tokens[1])
        .cloned()
        .collect();
    assert_eq!(tokens_of(&harness, HOST).await, kept);
    assert_eq!(tokens_of(&harness, OTHER).await, ["theirs"]);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_registrations_stay_within_the_bound() {
    let harness = harness().await;
    let tokens: Vec<String> = (0..40).map(|number| format!("phone-{number}")).collect();
    let calls = tokens.iter().map(|token| harness.register_device(HOST, token));
    for registered in join_all(calls).await {
        registered.expect("a device");
    }
    assert_eq!(tokens_of(&harness, HOST).await.len(), 20);
    harness.stop().await;
}
