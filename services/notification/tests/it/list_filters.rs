//! `ListNotifications`: filters and totals.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1 as pb;
use carshare_service_testkit::{assert_reason, into_message};
use tonic::Status;
use uuid::Uuid;

use crate::harness::{Harness, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);

async fn list(
    harness: &Harness,
    request: pb::ListNotificationsRequest,
) -> Result<pb::ListNotificationsResponse, Status> {
    let call = harness.as_user(HOST, request);
    into_message(harness.rpc.clone().list_notifications(call).await)
}

fn ids(page: &pb::ListNotificationsResponse) -> Vec<&str> {
    page.notifications.iter().map(|one| one.id.as_str()).collect()
}

/// Writes notifications of a host a minute apart, and returns them newest first.
async fn written(harness: &Harness, count: usize) -> Vec<pb::Notification> {
    for number in 1..=count {
        harness.request_booking(HOST).await;
        harness.list_when(HOST, number).await;
        harness.clock.advance(Duration::from_mins(1));
    }
    harness.list(HOST).await
}

#[tokio::test(flavor = "multi_thread")]
async fn list_notifications_filters_by_type() {
    let harness = harness().await;
    let written = written(&harness, 2).await;
    for (name, expected) in [
        ("", 2),
        ("booking.requested", 2),
        ("booking", 0),
        ("payment.failed", 0),
    ] {
        let request = pb::ListNotificationsRequest {
            r#type: name.into(),
            include_total: true,
            page_size: 1,
            ..Default::default()
        };
        let page = list(&harness, request).await.expect("a page");
        assert_eq!(page.total_size, Some(expected), "{name}");
        assert_eq!(page.notifications.len(), usize::from(expected > 0), "{name}");
    }
    assert_eq!(written[0].r#type, "booking.requested");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn list_notifications_filters_by_the_time_of_writing() {
    let harness = harness().await;
    let written = written(&harness, 3).await;
    let created = |index: usize| written[index].created_at;
    let id = |index: usize| written[index].id.as_str();
    for (created_from, created_before, expected) in [
        (created(1), None, vec![id(0), id(1)]),
        (None, created(1), vec![id(2)]),
        (created(2), created(0), vec![id(1), id(2)]),
        // Empty and inverted ranges match nothing.
        (created(1), created(1), vec![]),
        (created(0), created(2), vec![]),
    ] {
        let request = pb::ListNotificationsRequest {
            created_from,
            created_before,
            ..Default::default()
        };
        let page = list(&harness, request.clone()).await.expect("a page");
        assert_eq!((ids(&page), page.total_size), (expected, None), "{request:?}");
    }
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn total_of_unread_notifications_follows_their_reading_and_not_the_page() {
    let harness = harness().await;
    let written = written(&harness, 3).await;
    let page = |page_token: &str| pb::ListNotificationsRequest {
        unread_only: true,
        include_total: true,
        page_size: 1,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let first = list(&harness, page("")).await.expect("a page");
    assert_eq!(
        (ids(&first), first.total_size),
        (vec![written[0].id.as_str()], Some(3))
    );
    for read in &written[..2] {
        let request = pb::MarkReadRequest {
            notification_id: read.id.clone(),
        };
        let call = harness.as_user(HOST, request);
        harness.rpc.clone().mark_read(call).await.expect("read");
    }
    let second = list(&harness, page(&first.next_page_token))
        .await
        .expect("a page");
    assert_eq!(
        (ids(&second), second.total_size, second.next_page_token.as_str()),
        (vec![written[2].id.as_str()], Some(1), "")
    );
    let other = pb::ListNotificationsRequest {
        unread_only: false,
        ..page(&first.next_page_token)
    };
    let error = assert_reason(list(&harness, other).await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "page_token");
    let long = pb::ListNotificationsRequest {
        r#type: "x".repeat(65),
        ..Default::default()
    };
    let error = assert_reason(list(&harness, long).await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "type");
    harness.stop().await;
}
