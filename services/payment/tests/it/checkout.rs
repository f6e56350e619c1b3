//! `ProcessPayment`: payments in the payment window.

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use tonic::Code;

use crate::harness::*;

/// Creates a booking whose payment is requested.
pub async fn requested_payment() -> (Harness, Person, Booking, Row) {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "requested").await;
    (harness, guest, booking, row)
}

impl Harness {
    /// Pays in the payment window with this card and returns the request of the guest's app.
    pub async fn paid_in_window(
        &self,
        booking: &Booking,
        row: &Row,
        card_number: &str,
    ) -> ProcessPaymentRequest {
        ProcessPaymentRequest {
            booking_id: booking.id.clone(),
            payment_key: self.pay_in_window(&row.order_id, PRICE, card_number).await,
            order_id: row.order_id.clone(),
            amount: PRICE,
        }
    }
}

#[tokio::test]
async fn process_payment_confirms_the_payment() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    let paid = harness.process(guest, request).await.unwrap();
    assert_eq!(
        (paid.status(), paid.amount, paid.booking_id),
        (PaymentStatus::Completed, PRICE, booking.id.clone())
    );
    assert_eq!(harness.keys_used("/confirm"), [format!("confirm:{}:1", row.id)]);
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.requested", "payment.completed"]
    );
    assert_eq!(
        harness.balances().await,
        [
            "host_payable -38250",
            "platform_fee -6750",
            "provider_clearing 45000"
        ]
    );
    harness.finish().await;
}

#[tokio::test]
async fn process_payment_is_idempotent() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    let call = |key: &str| with_idempotency_key(harness.request(guest, request.clone()), key);
    let first = into_message(harness.client.clone().process_payment(call("k1")).await).unwrap();
    for key in ["k1", "k2"] {
        assert_eq!(
            into_message(harness.client.clone().process_payment(call(key)).await).unwrap(),
            first
        );
    }
    assert_eq!(harness.process(guest, request.clone()).await.unwrap(), first);
    let other = ProcessPaymentRequest {
        amount: 1_000,
        ..request
    };
    assert_reason(
        harness
            .client
            .clone()
            .process_payment(with_idempotency_key(harness.request(guest, other), "k1"))
            .await,
        Common::IdempotencyKeyReused,
    );
    assert_eq!(
        (harness.request_count("/confirm"), harness.captured().len()),
        (1, 1)
    );
    harness.finish().await;
}

#[tokio::test]
async fn concurrent_calls_capture_once() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    let all = futures::future::join_all((0..10).map(|_| harness.process(guest, request.clone()))).await;
    let paid = all.iter().filter(|result| result.is_ok()).count();
    assert!(paid >= 1, "{all:?}");
    for result in all.into_iter().filter(Result::is_err) {
        assert_reason(result, ErrorReason::ProviderUnavailable);
    }
    assert_eq!(
        harness.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    assert_eq!(harness.captured().len(), 1);
    harness.finish().await;
}

/// Amount and order come from the browser and are not trusted.
#[tokio::test]
async fn rejects_another_amount_or_order_without_calling_the_provider() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    for wrong in [
        ProcessPaymentRequest {
            amount: PRICE - 1,
            ..request.clone()
        },
        ProcessPaymentRequest {
            order_id: "pay_of_somebody_else".into(),
            ..request.clone()
        },
    ] {
        assert_reason(harness.process(guest, wrong).await, ErrorReason::AmountMismatch);
    }
    assert_eq!(harness.request_count("/confirm"), 0);
    harness.finish().await;
}

/// The window was opened with a lower amount, or for another order.
#[tokio::test]
async fn rejects_payment_key_of_another_amount_or_order() {
    let (harness, guest, booking, row) = requested_payment().await;
    let cheap = harness.pay_in_window(&row.order_id, 100, GOOD_CARD).await;
    let foreign = harness.pay_in_window("another_order", PRICE, GOOD_CARD).await;
    for payment_key in [cheap, foreign, "made_up".to_owned()] {
        let order_id = row.order_id.clone();
        let request = ProcessPaymentRequest {
            booking_id: booking.id.clone(),
            payment_key,
            order_id,
            amount: PRICE,
        };
        assert_reason(harness.process(guest, request).await, ErrorReason::AmountMismatch);
    }
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    assert_eq!(
        harness.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    harness.finish().await;
}

#[tokio::test]
async fn declined_card_can_be_replaced() {
    let (harness, guest, booking, row) = requested_payment().await;
    let bad = harness.paid_in_window(&booking, &row, "4330000000000106").await;
    let error = assert_reason(
        harness.process(guest, bad.clone()).await,
        ErrorReason::PaymentDeclined,
    );
    assert_eq!(
        (error.metadata()["provider_code"].as_str(), error.spec().http),
        ("REJECT_CARD_COMPANY", 402)
    );
    assert_eq!(
        harness.get(guest, &booking).await.unwrap().status(),
        PaymentStatus::Pending
    );
    let good = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    assert_eq!(
        harness.process(guest, good).await.unwrap().status(),
        PaymentStatus::Completed
    );
    // The first payment key again, after another one was captured.
    assert_reason(harness.process(guest, bad).await, ErrorReason::PaymentClosed);
    assert_eq!(
        harness.published_events(&booking).await,
        ["payment.requested", "payment.completed"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn overdue_and_ended_payments_are_closed() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    harness.clock.advance(std::time::Duration::from_hours(2));
    assert_reason(
        harness.process(guest, request.clone()).await,
        ErrorReason::PaymentClosed,
    );
    harness.cancel(&booking, 0, Known::Pending).await;
    assert_reason(harness.process(guest, request).await, ErrorReason::PaymentClosed);
    assert_eq!(harness.request_count("/confirm"), 0);
    harness.finish().await;
}

#[tokio::test]
async fn only_the_guest_of_the_booking_can_pay() {
    let (harness, guest, booking, row) = requested_payment().await;
    let request = harness.paid_in_window(&booking, &row, GOOD_CARD).await;
    assert_reason(
        harness.process(harness.person("guest"), request.clone()).await,
        ErrorReason::PaymentNotFound,
    );
    assert_code(
        harness.process(booking.host, request.clone()).await,
        Code::PermissionDenied,
    );
    assert_code(
        harness.client.clone().process_payment(request.clone()).await,
        Code::Unauthenticated,
    );
    let unknown = ProcessPaymentRequest {
        booking_id: harness.environment.ids.next().to_string(),
        ..request
    };
    assert_reason(
        harness.process(guest, unknown).await,
        ErrorReason::PaymentNotFound,
    );
    harness.finish().await;
}

#[tokio::test]
async fn validates_every_field() {
    let harness = Harness::start().await;
    let wrong = ProcessPaymentRequest {
        booking_id: "x".into(),
        payment_key: String::new(),
        order_id: "한글".into(),
        amount: 0,
    };
    let error = assert_reason(
        harness.process(harness.person("guest"), wrong).await,
        Common::InvalidArgument,
    );
    let mut fields: Vec<&str> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["amount", "booking_id", "order_id", "payment_key"]);
    harness.finish().await;
}
