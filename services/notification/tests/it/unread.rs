//! `MarkAllRead` and `GetUnreadCount`.

use std::time::Duration;

use carshare_proto::notification::v1 as pb;
use carshare_service_testkit::{into_message, with_idempotency_key};
use uuid::Uuid;

use crate::harness::{Harness, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);

async fn unread(harness: &Harness, user: Uuid) -> i64 {
    let request = harness.as_user(user, pb::GetUnreadCountRequest {});
    let count = into_message(harness.rpc.clone().get_unread_count(request).await);
    count.expect("a count").unread_count
}

/// Marks all as read with an idempotency key and returns their number.
async fn mark_all(harness: &Harness, user: Uuid, key: &str) -> i64 {
    let request = harness.as_user(user, pb::MarkAllReadRequest {});
    let request = with_idempotency_key(request, key);
    let marked = into_message(harness.rpc.clone().mark_all_read(request).await);
    marked.expect("a count").marked_count
}

#[tokio::test(flavor = "multi_thread")]
async fn mark_all_read_marks_the_callers_unread_notifications_once() {
    let harness = harness().await;
    for user in [HOST, HOST, HOST, OTHER] {
        harness.request_booking(user).await;
    }
    harness.list_when(HOST, 3).await;
    let listed = harness.list_when(OTHER, 1).await;
    assert_eq!(listed[0].read_at, None);
    assert_eq!(
        (unread(&harness, HOST).await, unread(&harness, OTHER).await),
        (3, 1)
    );

    let read = harness.list(HOST).await.remove(0).id;
    let request = harness.as_user(
        HOST,
        pb::MarkReadRequest {
            notification_id: read,
        },
    );
    let read = into_message(harness.rpc.clone().mark_read(request).await).expect("a notification");
    assert_eq!(unread(&harness, HOST).await, 2);

    harness.clock.advance(Duration::from_mins(1));
    assert_eq!(mark_all(&harness, HOST, "k-1").await, 2);
    assert_eq!(mark_all(&harness, HOST, "k-1").await, 2, "the stored reply");
    assert_eq!(mark_all(&harness, HOST, "k-2").await, 0);
    assert_eq!(
        (unread(&harness, HOST).await, unread(&harness, OTHER).await),
        (0, 1)
    );
    let listed = harness.list(HOST).await;
    assert_eq!(
        listed[0].read_at, read.read_at,
        "the first reading determines the time"
    );
    let seconds = |one: &pb::Notification| one.read_at.map(|at| at.seconds);
    assert_eq!(seconds(&listed[1]), seconds(&read).map(|at| at + 60));
    harness.stop().await;
}
