//! Recipients and texts of the events of changes.

use rstest::rstest;

use super::*;
use crate::domain::message::tests::{GUEST, HOST, facts, recipients, stamp};

fn extension(requested_by: BookingActor, amount_difference: i64) -> BookingChangeFacts {
    let change = BookingChange {
        id: "c".into(),
        kind: Kind::Extension.into(),
        requested_by: requested_by.into(),
        end_datetime: Some(stamp("2026-11-23T07:00:00Z")),
        respond_by: Some(stamp("2026-11-23T02:00:00Z")),
        amount_difference,
        ..Default::default()
    };
    BookingChangeFacts {
        change: Some(change),
        vehicle_title: "Genesis G80".into(),
    }
}

#[rstest]
#[case(BookingActor::Guest, HOST)]
#[case(BookingActor::Host, GUEST)]
fn request_goes_to_the_other_side_with_its_price_and_deadline(#[case] by: BookingActor, #[case] to: &str) {
    let event = booking::BookingChangeRequested {
        booking: Some(facts()),
        change: Some(extension(by, 24_000)),
        ..Default::default()
    };
    assert_eq!(recipients(&event), [to]);
    let message = &event.messages()[0];
    assert_eq!(
        message.body,
        "Genesis G80, 11월 23일 10:00 ~ 14:00 예약의 11월 23일 16:00까지 연장 (추가 요금 24,000원) 요청이 도착했습니다. \
         11월 23일 11:00까지 응답해 주세요."
    );
    assert_eq!(message.data["change_id"], "c");
}

#[test]
fn acceptance_goes_to_the_side_that_asked() {
    let event = |by| booking::BookingChangeAccepted {
        booking: Some(facts()),
        change: Some(extension(by, 24_000)),
        ..Default::default()
    };
    assert_eq!(recipients(&event(BookingActor::Guest)), [GUEST]);
    assert_eq!(recipients(&event(BookingActor::Host)), [HOST]);
    assert_eq!(
        event(BookingActor::Guest).messages()[0].body,
        "Genesis G80, 11월 23일 10:00 ~ 14:00 예약의 변경이 수락되었습니다. 추가 요금 24,000원이 결제되면 적용됩니다."
    );
}

#[rstest]
#[case(Kind::Extension, 0, "11월 23일 16:00까지 연장")]
#[case(Kind::Shortening, -12_000, "11월 23일 16:00까지 단축 (환불 12,000원)")]
#[case(Kind::VehicleSwap, 0, "Genesis G80 차량으로 변경")]
fn applied_change_goes_to_both(#[case] kind: Kind, #[case] difference: i64, #[case] what: &str) {
    let mut change = extension(BookingActor::Guest, difference);
    if let Some(change) = &mut change.change {
        change.kind = kind.into();
    }
    let event = booking::BookingChangeApplied {
        booking: Some(facts()),
        change: Some(change),
        ..Default::default()
    };
    assert_eq!(recipients(&event), [GUEST, HOST]);
    assert_eq!(
        event.messages()[0].body,
        format!("Genesis G80, 11월 23일 10:00 ~ 14:00 예약이 변경되었습니다: {what}.")
    );
}

#[rstest]
#[case(Status::Declined, &[GUEST])]
#[case(Status::Withdrawn, &[HOST])]
#[case(Status::Expired, &[GUEST, HOST])]
#[case(Status::PaymentFailed, &[GUEST, HOST])]
#[case(Status::Cancelled, &[])]
fn closed_change_goes_to_those_who_do_not_know(#[case] status: Status, #[case] to: &[&str]) {
    let mut change = extension(BookingActor::Guest, 24_000);
    if let Some(change) = &mut change.change {
        change.status = status.into();
    }
    let event = booking::BookingChangeClosed {
        booking: Some(facts()),
        change: Some(change),
        ..Default::default()
    };
    assert_eq!(recipients(&event), to);
}

#[test]
fn charges_go_to_the_guest() {
    let completed = payment::ChargeCompleted {
        guest_id: GUEST.into(),
        amount: 24_000,
        ..Default::default()
    };
    assert_eq!(recipients(&completed), [GUEST]);
    assert_eq!(
        completed.messages()[0].body,
        "추가 요금 24,000원이 결제되었습니다."
    );
    let failed = payment::ChargeFailed {
        guest_id: GUEST.into(),
        ..Default::default()
    };
    assert_eq!(recipients(&failed), [GUEST]);
    let refunded = payment::ChargeRefunded {
        guest_id: GUEST.into(),
        refunded_amount: 24_000,
        ..Default::default()
    };
    assert_eq!(
        refunded.messages()[0].body,
        "추가 요금 24,000원이 환불되었습니다."
    );
    let requested = payment::PaymentRequested {
        guest_id: GUEST.into(),
        amount: 24_000,
        charge_id: Some("c".into()),
        ..Default::default()
    };
    assert_eq!(
        requested.messages()[0].body,
        "24,000원을 결제하면 예약이 변경됩니다."
    );
}
