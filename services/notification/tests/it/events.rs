//! Events and their notifications.

use carshare_proto::booking::v1::{BookingCancelled, BookingFacts, CancellationReason};
use uuid::Uuid;

use crate::harness::harness;

const HOST: Uuid = Uuid::from_u128(0xB0);
const GUEST: Uuid = Uuid::from_u128(0xA0);

#[tokio::test(flavor = "multi_thread")]
async fn event_becomes_a_notification_of_its_recipient() {
    let harness = harness().await;
    let booking_id = harness.request_booking(HOST).await;
    let notification = harness.list_when(HOST, 1).await.remove(0);
    assert_eq!(
        (notification.r#type.as_str(), notification.title.as_str()),
        ("booking.requested", "새로운 예약 요청")
    );
    assert_eq!(notification.data["booking_id"], booking_id.to_string());
    assert_eq!(notification.read_at, None);
    assert!(harness.list(GUEST).await.is_empty());
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancellation_has_the_same_text_for_guest_and_host() {
    let harness = harness().await;
    let facts = BookingFacts {
        booking_id: "b".into(),
        guest_id: GUEST.to_string(),
        host_id: HOST.to_string(),
        vehicle_title: "Kia EV6".into(),
        ..Default::default()
    };
    harness
        .publish(BookingCancelled {
            booking_id: "b".into(),
            booking: Some(facts),
            reason: CancellationReason::PaymentFailed.into(),
            ..Default::default()
        })
        .await;
    let (guest, host) = (
        harness.list_when(GUEST, 1).await,
        harness.list_when(HOST, 1).await,
    );
    assert_eq!(guest[0].body, "Kia EV6 예약이 결제가 거절되어 취소되었습니다.");
    assert_eq!((&guest[0].body, &guest[0].data), (&host[0].body, &host[0].data));
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_without_recipient_does_not_block_other_keys() {
    let harness = harness().await;
    harness
        .publish(BookingCancelled {
            booking_id: "b".into(),
            ..Default::default()
        })
        .await;
    harness.request_booking(HOST).await;
    assert_eq!(harness.list_when(HOST, 1).await[0].r#type, "booking.requested");
    harness.stop().await;
}
