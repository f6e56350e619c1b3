//! Charges of what changes add to the price of a booking.

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_proto::payment::v1::*;

use crate::card_changes::DECLINED_CARD;
use crate::harness::*;

const ADDED: i64 = 24_000;

#[tokio::test]
async fn accepted_change_is_charged_besides_the_price() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    let change = harness.accepted_change(&booking, ADDED).await;
    let row = harness.until_charge(&change, "completed").await;

    assert_eq!(row.fee_krw, 3_600);
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.charge_completed"]
    );
    let event: ChargeCompleted = harness.event().await;
    assert_eq!(
        (event.charge_id.as_str(), event.amount, event.guest_id),
        (change.id.as_str(), ADDED, booking.guest.id.to_string())
    );
    assert_eq!(
        harness.balances().await,
        [
            "host_payable -58650",
            "platform_fee -10350",
            "provider_clearing 69000"
        ]
    );
    // The payment of the booking is that of its price.
    let price = harness.get(booking.guest, &booking).await.unwrap();
    assert_eq!((price.amount, price.charge_id), (PRICE, None));
    harness.finish().await;
}

#[tokio::test]
async fn repeated_acceptance_is_charged_once() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    let change = harness.accepted_change(&booking, ADDED).await;
    harness.until_charge(&change, "completed").await;
    harness.publish(change.accepted()).await;
    assert_eq!(harness.count("SELECT count(*) AS count FROM payments").await, 2);
    assert_eq!(harness.request_count("/v1/billing/bsbx"), 2);
    harness.finish().await;
}

/// A declined difference says nothing about the booking: `payment.failed` would cancel it.
#[tokio::test]
async fn declined_change_leaves_the_price_captured() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    harness.register(booking.guest, DECLINED_CARD).await.unwrap();
    let change = harness.accepted_change(&booking, ADDED).await;
    harness.until_charge(&change, "failed").await;
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.completed", "payment.charge_failed"]
    );
    let event: ChargeFailed = harness.event().await;
    assert_eq!(
        (event.charge_id, event.booking_id),
        (change.id, booking.id.clone())
    );
    assert_eq!(harness.row(&booking).await.unwrap().state, "completed");
    harness.finish().await;
}

#[tokio::test]
async fn guest_without_a_card_pays_a_change_in_the_window() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    let price = harness.until(&booking, "requested").await;
    let change = harness.accepted_change(&booking, ADDED).await;
    let added = harness.until_charge(&change, "requested").await;
    let requested: Vec<PaymentRequested> = harness.events().await;
    let requested: Vec<_> = requested
        .iter()
        .map(|event| (event.charge_id.as_deref(), event.amount))
        .collect();
    assert_eq!(requested, [(None, PRICE), (Some(change.id.as_str()), ADDED)]);

    let request = |order_id: &str, payment_key: String, amount| ProcessPaymentRequest {
        booking_id: booking.id.clone(),
        payment_key,
        order_id: order_id.to_owned(),
        amount,
    };
    let key = harness.pay_in_window(&added.order_id, ADDED, GOOD_CARD).await;
    // Order and amount of two payments of the booking do not mix.
    let mixed = harness
        .process(guest, request(&price.order_id, key.clone(), ADDED))
        .await;
    assert_reason(mixed, ErrorReason::AmountMismatch);
    let paid = harness
        .process(guest, request(&added.order_id, key, ADDED))
        .await
        .unwrap();
    assert_eq!((paid.status(), paid.amount), (PaymentStatus::Completed, ADDED));
    assert_eq!(paid.charge_id(), change.id);
    assert_eq!(harness.row(&booking).await.unwrap().state, "requested");
    harness.finish().await;
}

#[tokio::test]
async fn closed_change_is_not_charged_any_more() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.person("guest")).await;
    let change = harness.accepted_change(&booking, ADDED).await;
    harness.until_charge(&change, "requested").await;
    harness.publish(change.closed()).await;
    let row = harness.until_charge(&change, "failed").await;
    assert_eq!(row.failure_code.as_deref(), Some("BOOKING_CLOSED"));
    // No event: booking knows that it closed the change. The price is still to be paid.
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.requested", "payment.requested"]
    );
    assert_eq!(harness.row(&booking).await.unwrap().state, "requested");
    harness.finish().await;
}

/// The acceptance is delivered after the end of the change, or of the booking.
#[tokio::test]
async fn acceptance_after_the_end_is_not_charged() {
    let harness = Harness::start().await;
    let booking = harness.paid_booking().await;
    let late = harness.change(&booking, ADDED);
    harness.publish(late.closed()).await;
    harness.publish(late.accepted()).await;
    let never = harness.change(&booking, ADDED);
    harness.cancel(&booking, 0, Known::Paid).await;
    harness.publish(never.accepted()).await;
    assert_eq!(harness.count("SELECT count(*) AS count FROM payments").await, 1);
    assert_eq!(harness.request_count("/v1/billing/bsbx"), 1);
    harness.finish().await;
}
