//! `GetNotification`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1 as pb;
use carshare_service_testkit::{assert_reason, into_message};
use tonic::Status;
use uuid::Uuid;

use crate::harness::{Harness, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);

async fn get(harness: &Harness, user: Uuid, id: &str) -> Result<pb::Notification, Status> {
    let request = harness.as_user(
        user,
        pb::GetNotificationRequest {
            notification_id: id.into(),
        },
    );
    into_message(harness.rpc.clone().get_notification(request).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn get_notification_returns_what_the_list_contains() {
    let harness = harness().await;
    harness.request_booking(HOST).await;
    let listed = harness.list_when(HOST, 1).await.remove(0);
    for _ in 0..2 {
        assert_eq!(
            get(&harness, HOST, &listed.id).await.expect("a notification"),
            listed
        );
    }
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_notification_of_another_user_or_of_an_unknown_id_is_not_found() {
    let harness = harness().await;
    harness.request_booking(HOST).await;
    let id = harness.list_when(HOST, 1).await.remove(0).id;
    let unknown = Uuid::from_u128(1).to_string();
    for (user, id) in [(OTHER, &id), (HOST, &unknown)] {
        assert_reason(
            get(&harness, user, id).await,
            pb::ErrorReason::NotificationNotFound,
        );
    }
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_notification_with_an_invalid_id_is_refused() {
    let harness = harness().await;
    for id in ["", "x", "0190c0de-0000-7000-8000-00000000000g"] {
        let error = assert_reason(get(&harness, HOST, id).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, "notification_id");
    }
    harness.stop().await;
}
