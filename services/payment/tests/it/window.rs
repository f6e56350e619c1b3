//! The guest pays in the payment window.

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use tonic::Code;

use crate::bench::*;

/// A guest who was asked to pay.
async fn asked_to_pay() -> (Bench, Person, Booking, Row) {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let booking = bench.approved(guest).await;
    let row = bench.until(&booking, "requested").await;
    (bench, guest, booking, row)
}

impl Bench {
    /// The guest has paid in the window with this card: what the app sends us.
    async fn paid_in_window(&self, booking: &Booking, row: &Row, card_number: &str) -> ProcessPaymentRequest {
        ProcessPaymentRequest {
            booking_id: booking.id.clone(),
            payment_key: self.pay_in_window(&row.order_id, PRICE, card_number).await,
            order_id: row.order_id.clone(),
            amount: PRICE,
        }
    }
}

#[tokio::test]
async fn process_payment_confirms_what_was_paid() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    let paid = bench.process(guest, request).await.unwrap();
    assert_eq!(
        (paid.status(), paid.amount, paid.booking_id),
        (PaymentStatus::Completed, PRICE, booking.id.clone())
    );
    assert_eq!(bench.keys_used("/confirm"), [format!("confirm:{}:1", row.id)]);
    assert_eq!(
        bench.told(&booking).await,
        ["payment.requested", "payment.completed"]
    );
    assert_eq!(
        bench.balances().await,
        [
            "host_payable -38250",
            "platform_fee -6750",
            "provider_clearing 45000"
        ]
    );
    bench.finish().await;
}

#[tokio::test]
async fn process_payment_may_be_repeated() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    let call = |key: &str| keyed(bench.by(guest, request.clone()), key);
    let first = only(bench.client.clone().process_payment(call("k1")).await).unwrap();
    for key in ["k1", "k2"] {
        assert_eq!(
            only(bench.client.clone().process_payment(call(key)).await).unwrap(),
            first
        );
    }
    assert_eq!(bench.process(guest, request.clone()).await.unwrap(), first);
    let other = ProcessPaymentRequest {
        amount: 1_000,
        ..request
    };
    refused(
        bench
            .client
            .clone()
            .process_payment(keyed(bench.by(guest, other), "k1"))
            .await,
        Common::IdempotencyKeyReused,
    );
    assert_eq!((bench.asked("/confirm"), bench.captured().len()), (1, 1));
    bench.finish().await;
}

#[tokio::test]
async fn many_at_once_are_one_charge() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    let all = futures::future::join_all((0..10).map(|_| bench.process(guest, request.clone()))).await;
    let paid = all.iter().filter(|answer| answer.is_ok()).count();
    assert!(paid >= 1, "{all:?}");
    for refusal in all.into_iter().filter(Result::is_err) {
        refused(refusal, ErrorReason::ProviderUnavailable);
    }
    assert_eq!(
        bench.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    assert_eq!(bench.captured().len(), 1);
    bench.finish().await;
}

/// The browser brought them, so anybody may have written them.
#[tokio::test]
async fn another_amount_or_order_is_refused_before_the_provider_hears_of_it() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
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
        refused(bench.process(guest, wrong).await, ErrorReason::AmountMismatch);
    }
    assert_eq!(bench.asked("/confirm"), 0);
    bench.finish().await;
}

/// The window was opened for less than is owed, or for another order.
#[tokio::test]
async fn a_window_that_does_not_fit_the_order_takes_nothing() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let cheap = bench.pay_in_window(&row.order_id, 100, GOOD_CARD).await;
    let foreign = bench.pay_in_window("another_order", PRICE, GOOD_CARD).await;
    for payment_key in [cheap, foreign, "made_up".to_owned()] {
        let order_id = row.order_id.clone();
        let request = ProcessPaymentRequest {
            booking_id: booking.id.clone(),
            payment_key,
            order_id,
            amount: PRICE,
        };
        refused(bench.process(guest, request).await, ErrorReason::AmountMismatch);
    }
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    assert_eq!(
        bench.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_declined_card_is_told_and_the_guest_may_pay_with_another() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let bad = bench.paid_in_window(&booking, &row, "4330000000000106").await;
    let error = refused(
        bench.process(guest, bad.clone()).await,
        ErrorReason::PaymentDeclined,
    );
    assert_eq!(
        (error.metadata()["provider_code"].as_str(), error.fact().http),
        ("REJECT_CARD_COMPANY", 402)
    );
    assert_eq!(
        bench.get(guest, &booking).await.unwrap().status(),
        PaymentStatus::Pending
    );
    let good = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    assert_eq!(
        bench.process(guest, good).await.unwrap().status(),
        PaymentStatus::Completed
    );
    // The first window again, now that another one has paid.
    refused(bench.process(guest, bad).await, ErrorReason::PaymentClosed);
    assert_eq!(
        bench.told(&booking).await,
        ["payment.requested", "payment.completed"]
    );
    bench.finish().await;
}

#[tokio::test]
async fn an_unknown_outcome_says_when_to_come_back_and_is_found_out_meanwhile() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/confirm"));
    let away = refused(
        bench.process(guest, request.clone()).await,
        ErrorReason::ProviderUnavailable,
    );
    assert!(away.retry_delay().is_some());
    bench.pass_time_until(&booking, "completed").await;
    assert_eq!(
        bench.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    assert_eq!((bench.asked("/confirm"), bench.captured().len()), (1, 1));
    bench.finish().await;
}

#[tokio::test]
async fn a_guest_who_comes_back_at_once_need_not_wait_for_the_worker() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/confirm"));
    refused(
        bench.process(guest, request.clone()).await,
        ErrorReason::ProviderUnavailable,
    );
    assert_eq!(
        bench.process(guest, request).await.unwrap().status(),
        PaymentStatus::Completed
    );
    assert_eq!(bench.asked("/confirm"), 1);
    bench.finish().await;
}

#[tokio::test]
async fn a_client_that_will_not_wait_is_answered_in_time_and_charged_all_the_same() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    bench
        .sandbox
        .inject(Fault::delay(Provider::Toss, "/confirm", 1_500));
    let mut call = bench.by(guest, request);
    call.set_timeout(std::time::Duration::from_millis(700));
    refused(
        bench.client.clone().process_payment(call).await,
        ErrorReason::ProviderUnavailable,
    );
    let row = bench.until(&booking, "completed").await;
    assert_eq!(bench.attempts(&row).await, ["window captured"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_window_that_is_too_old_is_declined_and_may_be_opened_again() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let old = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    bench.clock.advance(std::time::Duration::from_mins(11));
    let error = refused(bench.process(guest, old).await, ErrorReason::PaymentDeclined);
    assert_eq!(error.metadata()["provider_code"], "NOT_FOUND_PAYMENT_SESSION");
    let new = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    bench.process(guest, new).await.unwrap();
    bench.finish().await;
}

#[tokio::test]
async fn what_is_over_cannot_be_paid() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    bench.clock.advance(std::time::Duration::from_hours(2));
    refused(
        bench.process(guest, request.clone()).await,
        ErrorReason::PaymentClosed,
    );
    bench.cancel(&booking, 0, Known::Pending).await;
    refused(bench.process(guest, request).await, ErrorReason::PaymentClosed);
    assert_eq!(bench.asked("/confirm"), 0);
    bench.finish().await;
}

#[tokio::test]
async fn only_the_guest_of_the_booking_pays_for_it() {
    let (bench, guest, booking, row) = asked_to_pay().await;
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    refused(
        bench.process(bench.person("guest"), request.clone()).await,
        ErrorReason::PaymentNotFound,
    );
    refused_as(
        bench.process(booking.host, request.clone()).await,
        Code::PermissionDenied,
    );
    refused_as(
        bench.client.clone().process_payment(request.clone()).await,
        Code::Unauthenticated,
    );
    let nowhere = ProcessPaymentRequest {
        booking_id: bench.environment.ids.next().to_string(),
        ..request
    };
    refused(bench.process(guest, nowhere).await, ErrorReason::PaymentNotFound);
    bench.finish().await;
}

#[tokio::test]
async fn every_field_is_checked() {
    let bench = Bench::start().await;
    let wrong = ProcessPaymentRequest {
        booking_id: "x".into(),
        payment_key: String::new(),
        order_id: "한글".into(),
        amount: 0,
    };
    let error = refused(
        bench.process(bench.person("guest"), wrong).await,
        Common::InvalidArgument,
    );
    let mut fields: Vec<&str> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["amount", "booking_id", "order_id", "payment_key"]);
    bench.finish().await;
}

/// The guest pays in the window while the worker is about to charge a card: one of the two, never both.
#[tokio::test]
async fn a_window_and_a_card_at_the_same_time_are_one_charge() {
    let bench = Bench::start().await;
    let guest = bench.guest_with(GOOD_CARD).await;
    bench
        .instance
        .provider
        .stop(crate::staged::Verb::Charge, crate::staged::Place::Before);
    let booking = bench.approved(guest).await;
    bench.instance.provider.stopped().await;
    let row = bench.row(&booking).await.unwrap();
    let request = bench.paid_in_window(&booking, &row, GOOD_CARD).await;
    refused(
        bench.process(guest, request.clone()).await,
        ErrorReason::ProviderUnavailable,
    );
    bench.instance.provider.release();
    bench.until(&booking, "completed").await;
    refused(bench.process(guest, request).await, ErrorReason::PaymentClosed);
    assert_eq!((bench.asked("/confirm"), bench.captured().len()), (0, 1));
    bench.finish().await;
}
