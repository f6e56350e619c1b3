//! Recipients and texts of the events of claims.

use rstest::rstest;

use super::*;
use crate::domain::message::tests::{GUEST, HOST, facts, recipients, stamp};

fn damage(status: Status) -> BookingClaimFacts {
    let claim = BookingClaim {
        id: "c".into(),
        kind: Kind::Damage.into(),
        status: status.into(),
        claimed_amount: 150_000,
        approved_amount: Some(120_000),
        object_by: Some(stamp("2026-11-26T02:00:00Z")),
        ..Default::default()
    };
    BookingClaimFacts {
        claim: Some(claim),
        platform_fee: 0,
    }
}

fn late() -> BookingClaimFacts {
    let mut facts = damage(Status::Open);
    let claim = facts.claim.as_mut().unwrap();
    claim.kind = Kind::LateReturn.into();
    claim.returned_at = Some(stamp("2026-11-23T07:00:00Z"));
    facts
}

#[test]
fn claim_goes_to_the_guest_with_its_amount_and_deadline() {
    let event = booking::BookingClaimFiled {
        booking: Some(facts()),
        claim: Some(damage(Status::Open)),
        ..Default::default()
    };
    assert_eq!(recipients(&event), [GUEST]);
    let message = &event.messages()[0];
    assert_eq!(
        message.body,
        "Genesis G80, 11월 23일 10:00 ~ 14:00 예약에 차량 손상 비용 150,000원이 청구되었습니다. \
         11월 26일 11:00까지 이의를 제기하지 않으면 확정됩니다."
    );
    assert_eq!(message.data["claim_id"], "c");
}

#[test]
fn late_return_goes_to_both_sides() {
    let event = booking::BookingClaimFiled {
        booking: Some(facts()),
        claim: Some(late()),
        ..Default::default()
    };
    assert_eq!(recipients(&event), [GUEST, HOST]);
    assert!(event.messages()[1].body.contains("반납 지연 요금 150,000원"));
}

#[test]
fn objection_and_payment_go_to_the_host_and_the_approval_to_both() {
    let objected = booking::BookingClaimObjected {
        booking: Some(facts()),
        claim: Some(damage(Status::Objected)),
        ..Default::default()
    };
    assert_eq!(recipients(&objected), [HOST]);
    let approved = booking::BookingClaimApproved {
        booking: Some(facts()),
        claim: Some(damage(Status::AwaitingPayment)),
        ..Default::default()
    };
    assert_eq!(recipients(&approved), [GUEST, HOST]);
    assert!(
        approved.messages()[0]
            .body
            .contains("차량 손상 비용 120,000원이 확정되어")
    );
    let paid = booking::BookingClaimPaid {
        booking: Some(facts()),
        claim: Some(damage(Status::Paid)),
        ..Default::default()
    };
    assert_eq!(recipients(&paid), [HOST]);
}

#[rstest]
#[case(Status::Withdrawn, &[GUEST], "호스트가 철회하여")]
#[case(Status::Rejected, &[GUEST, HOST], "인정되지 않았습니다")]
#[case(Status::PaymentFailed, &[GUEST, HOST], "결제되지 않았습니다")]
fn end_of_a_claim_names_the_reason(#[case] status: Status, #[case] to: &[&str], #[case] why: &str) {
    let event = booking::BookingClaimClosed {
        booking: Some(facts()),
        claim: Some(damage(status)),
        ..Default::default()
    };
    assert_eq!(recipients(&event), to);
    assert!(event.messages()[0].body.contains(why));
}
