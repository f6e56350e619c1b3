//! `ListBookingPaymentSteps`.

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use carshare_service_testkit::from_service;

use crate::card_changes::DECLINED_CARD;
use crate::harness::*;

impl Harness {
    async fn steps(&self, booking_id: &str) -> Vec<BookingPaymentStep> {
        let request = ListBookingPaymentStepsRequest {
            booking_id: booking_id.to_owned(),
        };
        let call = from_service("booking", request);
        let reply = self.client.clone().list_booking_payment_steps(call).await;
        reply.unwrap().into_inner().steps
    }
}

/// Returns kind and amount of each step, and whether it has a failure code.
fn summary(steps: &[BookingPaymentStep]) -> Vec<(PaymentStepKind, i64, bool)> {
    let steps = steps.iter().map(|each| each.step.as_ref().unwrap());
    steps
        .map(|step| (step.kind(), step.amount, step.failure_code.is_some()))
        .collect()
}

#[tokio::test]
async fn steps_lead_from_the_charge_to_the_refund() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.cancel(&booking, 20_000, Known::Paid).await;
    harness.pass_time_until(&booking, "refunded").await;
    let steps = harness.steps(&booking.id).await;
    assert_eq!(
        summary(&steps),
        [
            (PaymentStepKind::Due, PRICE, false),
            (PaymentStepKind::Captured, PRICE, false),
            (PaymentStepKind::RefundDue, 20_000, false),
            (PaymentStepKind::Refunded, 20_000, false),
        ]
    );
    let traced = |step: &BookingPaymentStep| step.correlation_id.is_some() && step.trace_id().len() == 32;
    assert!(steps.iter().all(traced), "{steps:?}");
    harness.finish().await;
}

#[tokio::test]
async fn declined_card_is_a_step_with_its_code() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(DECLINED_CARD).await).await;
    harness.until(&booking, "failed").await;
    let expected = [
        (PaymentStepKind::Due, PRICE, false),
        (PaymentStepKind::AttemptFailed, PRICE, true),
    ];
    assert_eq!(summary(&harness.steps(&booking.id).await), expected);
    harness.finish().await;
}

#[tokio::test]
async fn booking_without_a_payment_has_no_steps_and_other_callers_are_refused() {
    let harness = Harness::start().await;
    let booking = harness.booking(harness.person("guest"));
    assert_eq!(harness.steps(&booking.id).await, []);
    let request = ListBookingPaymentStepsRequest {
        booking_id: booking.id.clone(),
    };
    let other = from_service("auth", request.clone());
    let refused = harness.client.clone().list_booking_payment_steps(other).await;
    assert_reason(into_message(refused), Common::PermissionDenied);
    let guest = harness.request(booking.guest, request);
    let refused = harness.client.clone().list_booking_payment_steps(guest).await;
    assert_reason(into_message(refused), Common::Unauthenticated);
    let invalid = ListBookingPaymentStepsRequest {
        booking_id: "x".to_owned(),
    };
    let call = from_service("booking", invalid);
    let refused = harness.client.clone().list_booking_payment_steps(call).await;
    let error = assert_reason(into_message(refused), Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "booking_id");
    harness.finish().await;
}
