//! `ListDevices`.

use carshare_proto::notification::v1 as pb;
use carshare_service_testkit::into_message;
use uuid::Uuid;

use crate::harness::{Harness, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);

async fn devices(harness: &Harness, user: Uuid) -> Vec<pb::Device> {
    let request = harness.as_user(user, pb::ListDevicesRequest {});
    let reply = into_message(harness.rpc.clone().list_devices(request).await);
    reply.expect("a list").devices
}

#[tokio::test(flavor = "multi_thread")]
async fn list_devices_shows_those_of_the_caller_as_they_were_registered() {
    let harness = harness().await;
    let phone = harness.register_device(HOST, "phone").await.expect("a device");
    let tablet = harness.register_device(HOST, "tablet").await.expect("a device");
    let other = harness.register_device(OTHER, "other").await.expect("a device");
    // Both were registered at the same time, so the later id comes first.
    assert_eq!(devices(&harness, HOST).await, [tablet, phone.clone()]);
    assert_eq!(devices(&harness, OTHER).await, [other]);

    let moved = harness.register_device(OTHER, "tablet").await.expect("moved");
    harness
        .unregister_device(OTHER, &moved.id)
        .await
        .expect("removed");
    assert_eq!(devices(&harness, HOST).await, [phone]);
    assert_eq!(devices(&harness, HOST).await, devices(&harness, HOST).await);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn list_devices_of_a_user_without_any_is_empty() {
    let harness = harness().await;
    harness.register_device(HOST, "phone").await.expect("a device");
    assert_eq!(devices(&harness, OTHER).await, []);
    harness.stop().await;
}
