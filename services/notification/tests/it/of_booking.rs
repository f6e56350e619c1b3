//! `ListBookingNotifications`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1 as pb;
use carshare_service_testkit::{assert_reason, from_service, into_message};
use carshare_testkit::eventually;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::harness::{Harness, TIMEOUT, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);

type Reply = Result<pb::ListBookingNotificationsResponse, Status>;

async fn list(harness: &Harness, request: Request<pb::ListBookingNotificationsRequest>) -> Reply {
    into_message(harness.rpc.clone().list_booking_notifications(request).await)
}

fn of(booking_id: impl ToString) -> pb::ListBookingNotificationsRequest {
    pb::ListBookingNotificationsRequest {
        booking_id: booking_id.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_of_a_booking_have_recipient_pushes_and_trace() {
    let harness = harness().await;
    harness.register_device(HOST, "token-1").await.expect("a device");
    let booking = harness.request_booking(HOST).await;
    harness.request_booking(HOST).await;
    let id = harness.list_when(HOST, 2).await.pop().expect("the first").id;
    let read = harness.as_user(HOST, pb::MarkReadRequest { notification_id: id });
    into_message(harness.rpc.clone().mark_read(read).await).expect("read");
    let sent = eventually(TIMEOUT, || async {
        let request = from_service("booking", of(booking));
        let mut all = list(&harness, request).await.expect("a list").notifications;
        assert_eq!(all.len(), 1, "those of the other booking are not listed");
        let only = all.remove(0);
        let is_pushed = only
            .notification
            .as_ref()
            .is_some_and(|sent| sent.pushed_devices == 1);
        is_pushed.then_some(only)
    })
    .await;
    assert_eq!(sent.trace_id().len(), 32);
    assert!(!sent.correlation_id().is_empty());
    let notification = sent.notification.expect("a notification");
    assert_eq!(
        (notification.user_id, notification.r#type.as_str()),
        (HOST.to_string(), "booking.requested")
    );
    assert!(notification.read_at.is_some());
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn list_of_an_unknown_booking_is_empty_and_other_callers_are_refused() {
    let harness = harness().await;
    let booking = harness.request_booking(HOST).await;
    harness.list_when(HOST, 1).await;
    let unknown = from_service("booking", of(Uuid::from_u128(1)));
    assert_eq!(list(&harness, unknown).await.expect("a list").notifications, []);
    let other = from_service("payment", of(booking));
    assert_reason(list(&harness, other).await, Common::PermissionDenied);
    let user = harness.as_user(HOST, of(booking));
    assert_reason(list(&harness, user).await, Common::Unauthenticated);
    let invalid = from_service("booking", of("x"));
    let error = assert_reason(list(&harness, invalid).await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "booking_id");
    harness.stop().await;
}
