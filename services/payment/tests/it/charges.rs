//! Charges of the guest's card after an approval: exactly once under every failure.

use carshare_proto::payment::v1::*;
use carshare_sandbox::PaymentStatus as TossStatus;
use chrono::TimeDelta;

use crate::harness::*;

#[tokio::test]
async fn approved_booking_is_charged() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "completed").await;

    let charged = harness.only_capture();
    assert_eq!((charged.status, charged.total_amount), (TossStatus::Done, PRICE));
    assert_eq!(
        (charged.order_id.as_str(), charged.order_name.as_str()),
        (row.order_id.as_str(), "카셰어링 현대 아이오닉 5")
    );
    assert_eq!(
        harness.keys_used("/v1/billing/bsbx"),
        [format!("charge:{}:1", row.id)]
    );
    assert_eq!(harness.attempts(&row).await, ["billing captured"]);
    assert_eq!(
        harness.balances().await,
        [
            "host_payable -38250",
            "platform_fee -6750",
            "provider_clearing 45000"
        ]
    );
    assert_eq!(harness.published_events(&booking).await, ["payment.completed"]);
    let event: PaymentCompleted = harness.event().await;
    let expected = PaymentCompleted {
        booking_id: booking.id.clone(),
        payment_id: row.id.to_string(),
        guest_id: guest.id.to_string(),
        host_id: booking.host.id.to_string(),
        amount: PRICE,
        paid_at: Some(carshare_chassis::proto_types::timestamp(harness.clock.now())),
    };
    assert_eq!(event, expected);
    let seen = harness.get(guest, &booking).await.unwrap();
    assert_eq!(
        (seen.status(), seen.amount, seen.platform_fee, seen.host_amount),
        (PaymentStatus::Completed, PRICE, 6_750, 38_250)
    );
    assert_eq!((seen.payment_method.as_str(), seen.refunded_amount), ("카드", 0));
    harness.finish().await;
}

#[tokio::test]
async fn newest_card_is_charged() {
    let harness = Harness::start().await;
    let guest = harness.guest_with("4330000000000101").await;
    harness.register(guest, GOOD_CARD).await.unwrap();
    harness.until(&harness.approved(guest).await, "completed").await;
    harness.finish().await;
}

#[tokio::test]
async fn repeated_approval_is_charged_once() {
    let harness = Harness::start().await;
    let booking = harness.booking(harness.guest_with(GOOD_CARD).await);
    harness.approve(&booking).await;
    harness.approve(&booking).await;
    harness.until(&booking, "completed").await;
    harness.approve(&booking).await;
    assert_eq!(harness.request_count("/v1/billing/bsbx"), 1);
    assert_eq!(harness.published_events(&booking).await, ["payment.completed"]);
    harness.finish().await;
}

#[tokio::test]
async fn declined_card_fails_the_payment_and_posts_nothing() {
    let harness = Harness::start().await;
    let guest = harness.guest_with("4330000000000101").await;
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "failed").await;

    assert_eq!(row.failure_code.as_deref(), Some("REJECT_CARD_PAYMENT"));
    assert_eq!(
        harness.attempts(&row).await,
        ["billing declined REJECT_CARD_PAYMENT"]
    );
    assert_eq!(harness.published_events(&booking).await, ["payment.failed"]);
    let event: PaymentFailed = harness.event().await;
    assert_eq!(
        (event.failure_code.as_str(), event.booking_id),
        ("REJECT_CARD_PAYMENT", booking.id.clone())
    );
    assert_eq!(harness.balances().await, Vec::<String>::new());
    assert_eq!(row.next_check_at, None);
    let seen = harness.get(guest, &booking).await.unwrap();
    assert_eq!(
        (seen.status(), seen.failure_code.as_deref()),
        (PaymentStatus::Failed, Some("REJECT_CARD_PAYMENT"))
    );
    harness.finish().await;
}

#[tokio::test]
async fn payment_is_requested_without_a_card() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "requested").await;
    assert_eq!(harness.published_events(&booking).await, ["payment.requested"]);
    let event: PaymentRequested = harness.event().await;
    let due_at = harness.clock.now() + TimeDelta::hours(2);
    assert_eq!(
        (event.order_id, event.amount, event.guest_id),
        (row.order_id, PRICE, guest.id.to_string())
    );
    assert_eq!(
        event.due_at,
        Some(carshare_chassis::proto_types::timestamp(due_at))
    );
    assert_eq!(
        (row.next_check_at, harness.request_count("/v1/billing")),
        (None, 0)
    );
    assert_eq!(
        harness.get(guest, &booking).await.unwrap().status(),
        PaymentStatus::Pending
    );
    harness.finish().await;
}
