//! `ListNotifications` and `MarkRead`.

use carshare_proto::notification::v1 as pb;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::harness::{Harness, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);

async fn page(
    harness: &Harness,
    size: i32,
    token: &str,
) -> Result<pb::ListNotificationsResponse, tonic::Status> {
    let request = pb::ListNotificationsRequest {
        page_size: size,
        page_token: token.into(),
        ..Default::default()
    };
    Ok(harness
        .rpc
        .clone()
        .list_notifications(harness.as_user(HOST, request))
        .await?
        .into_inner())
}

async fn mark(harness: &Harness, user: Uuid, id: &str) -> Result<pb::Notification, tonic::Status> {
    let request = harness.as_user(
        user,
        pb::MarkReadRequest {
            notification_id: id.into(),
        },
    );
    Ok(harness.rpc.clone().mark_read(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_newest_first_and_do_not_shift() {
    let harness = harness().await;
    let mut requested = Vec::new();
    for count in 1..=5 {
        requested.push(harness.request_booking(HOST).await.to_string());
        harness.list_when(HOST, count).await;
    }
    let first = page(&harness, 2, "").await.expect("a page");
    harness.request_booking(HOST).await;
    harness.list_when(HOST, 6).await;
    let second = page(&harness, 2, &first.next_page_token).await.expect("a page");
    let third = page(&harness, 2, &second.next_page_token).await.expect("a page");
    let listed: Vec<_> = [&first, &second, &third]
        .into_iter()
        .flat_map(|page| page.notifications.iter().map(|n| n.data["booking_id"].clone()))
        .collect();
    requested.reverse();
    assert_eq!(listed, requested);
    assert_eq!(third.next_page_token, "");

    let error = page(&harness, 2, "garbage").await.expect_err("not a token");
    assert_eq!(error.code(), Code::InvalidArgument);
    let violation = error
        .get_details_bad_request()
        .expect("a BadRequest")
        .field_violations
        .remove(0);
    assert_eq!(violation.field, "page_token");
    assert_eq!(
        page(&harness, 201, "").await.expect_err("too many").code(),
        Code::InvalidArgument
    );
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mark_read_keeps_the_first_time_and_is_limited_to_own_notifications() {
    let harness = harness().await;
    harness.request_booking(HOST).await;
    let id = harness.list_when(HOST, 1).await.remove(0).id;
    for (user, id) in [
        (OTHER, id.as_str()),
        (HOST, "0190c0de-0000-7000-8000-000000000000"),
    ] {
        let error = mark(&harness, user, id).await.expect_err("not theirs");
        let info = error.get_details_error_info().expect("an ErrorInfo");
        assert_eq!(
            (error.code(), info.metadata["code"].as_str()),
            (Code::NotFound, "NOTIFICATION001")
        );
    }
    let read = mark(&harness, HOST, &id).await.expect("read");
    harness.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(
        mark(&harness, HOST, &id).await.expect("read again").read_at,
        read.read_at
    );
    assert_eq!(
        mark(&harness, HOST, "x").await.expect_err("not a UUID").code(),
        Code::InvalidArgument
    );

    let unread = pb::ListNotificationsRequest {
        unread_only: true,
        ..Default::default()
    };
    let listed = harness
        .rpc
        .clone()
        .list_notifications(harness.as_user(HOST, unread))
        .await
        .expect("a list");
    assert!(listed.into_inner().notifications.is_empty());
    let anonymous = harness
        .rpc
        .clone()
        .list_notifications(pb::ListNotificationsRequest::default())
        .await;
    assert_eq!(anonymous.expect_err("no token").code(), Code::Unauthenticated);
    harness.stop().await;
}
