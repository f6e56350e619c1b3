//! `CheckSettlement`.

use carshare_proto::booking::v1::PaymentStatus as Known;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use carshare_service_testkit::from_service;
use tonic::Code;

use crate::harness::*;

impl Harness {
    /// Returns the payments in progress and the payable amount of a user.
    pub async fn unsettled(&self, person: Person) -> (i64, i64) {
        let request = CheckSettlementRequest {
            user_id: person.id.to_string(),
        };
        let reply = self
            .client
            .clone()
            .check_settlement(from_service("auth", request))
            .await;
        let reply = reply.unwrap().into_inner();
        (reply.payments_in_progress, reply.payable_amount)
    }
}

#[tokio::test]
async fn payment_is_in_progress_for_guest_and_host_until_it_is_captured() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    harness.until(&booking, "requested").await;
    for person in [guest, booking.host] {
        assert_eq!(harness.unsettled(person).await, (1, 0));
    }
    assert_eq!(harness.unsettled(harness.person("guest")).await, (0, 0));
    harness.cancel(&booking, 0, Known::Pending).await;
    harness.until(&booking, "failed").await;
    for person in [guest, booking.host] {
        assert_eq!(harness.unsettled(person).await, (0, 0));
    }
    let paid = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&paid, "completed").await;
    assert_eq!(harness.unsettled(paid.guest).await, (0, 0));
    assert_eq!(harness.unsettled(paid.host).await, (0, 38_250));
    harness.finish().await;
}

#[tokio::test]
async fn settlement_is_unsettled_until_it_is_paid() {
    let harness = Harness::start_settling().await;
    let (booking, settlement) = harness.settled().await;
    assert_eq!(harness.unsettled(booking.host).await, (1, 38_250));
    assert_eq!(harness.unsettled(booking.guest).await, (0, 0));
    let admin = harness.person("admin");
    harness
        .complete_payout(admin, &settlement.id, "T-1")
        .await
        .unwrap();
    assert_eq!(harness.unsettled(booking.host).await, (0, 0));
    harness.cancel(&booking, PRICE, Known::Paid).await;
    harness.pass_time_until(&booking, "refunded").await;
    assert_eq!(harness.unsettled(booking.host).await, (0, -38_250));
    harness.finish().await;
}

#[tokio::test]
async fn refund_is_in_progress_until_the_provider_has_made_it() {
    let harness = Harness::start().await;
    let booking = harness.approved(harness.guest_with(GOOD_CARD).await).await;
    harness.until(&booking, "completed").await;
    harness.sandbox.inject(Fault::refuse(Provider::Toss, "/cancel"));
    harness.cancel(&booking, PRICE, Known::Paid).await;
    assert_eq!(harness.unsettled(booking.guest).await, (1, 0));
    assert_eq!(harness.unsettled(booking.host).await, (1, 38_250));
    harness.pass_time_until(&booking, "refunded").await;
    for person in [booking.guest, booking.host] {
        assert_eq!(harness.unsettled(person).await, (0, 0));
    }
    harness.finish().await;
}

#[tokio::test]
async fn check_settlement_of_other_callers_and_of_an_invalid_id_is_refused() {
    let harness = Harness::start().await;
    let request = CheckSettlementRequest {
        user_id: "x".to_owned(),
    };
    let client = || harness.client.clone();
    let invalid = client()
        .check_settlement(from_service("auth", request.clone()))
        .await;
    let error = assert_reason(into_message(invalid), Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "user_id");
    let booking = client()
        .check_settlement(from_service("booking", request.clone()))
        .await;
    assert_code(booking, Code::PermissionDenied);
    let admin = client()
        .check_settlement(harness.request(harness.person("admin"), request))
        .await;
    assert_code(admin, Code::Unauthenticated);
    harness.finish().await;
}
