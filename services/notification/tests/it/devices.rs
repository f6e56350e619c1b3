//! `RegisterDevice`.

use carshare_proto::notification::v1 as pb;
use tonic::Code;
use uuid::Uuid;

use crate::harness::{Harness, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);

#[tokio::test(flavor = "multi_thread")]
async fn a_token_keeps_its_device_and_moves_to_whom_registers_it_last() {
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
async fn an_unknown_platform_and_an_empty_token_are_refused() {
    let harness = harness().await;
    for (token, platform) in [("", 1), ("phone", 0), ("phone", 9)] {
        let request = harness.as_user(
            HOST,
            pb::RegisterDeviceRequest {
                token: token.into(),
                platform,
            },
        );
        let refused = harness
            .rpc
            .clone()
            .register_device(request)
            .await
            .expect_err("refused");
        assert_eq!(refused.code(), Code::InvalidArgument, "{token} {platform}");
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
async fn a_repeated_key_gives_the_same_reply_and_another_request_under_it_is_refused() {
    let harness = harness().await;
    let device = repeat(&harness, "phone").await.expect("a device");
    assert_eq!(repeat(&harness, "phone").await.expect("the same"), device);
    assert_eq!(
        repeat(&harness, "other").await.expect_err("reused").code(),
        Code::AlreadyExists
    );
    harness.stop().await;
}
