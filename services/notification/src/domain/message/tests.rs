//! Recipients and texts of every event.

use rstest::rstest;

use carshare_proto::payment::v1 as payment;

use super::*;

pub const GUEST: &str = "0190c0de-0000-7000-8000-0000000000a1";
pub const HOST: &str = "0190c0de-0000-7000-8000-0000000000b2";

pub fn stamp(text: &str) -> prost_types::Timestamp {
    carshare_chassis::proto_types::timestamp(text.parse().expect("a time"))
}

pub fn facts() -> booking::BookingFacts {
    booking::BookingFacts {
        booking_id: "b".into(),
        vehicle_id: "v".into(),
        guest_id: GUEST.into(),
        host_id: HOST.into(),
        vehicle_title: "Genesis G80".into(),
        start_datetime: Some(stamp("2026-11-23T01:00:00Z")),
        end_datetime: Some(stamp("2026-11-23T05:00:00Z")),
        total_amount: 80_000,
        platform_fee: 12_000,
        platform_discount: 0,
    }
}

pub fn recipients(event: &impl ToNotifications) -> Vec<String> {
    event
        .messages()
        .into_iter()
        .map(|message| message.user_id)
        .collect()
}

#[test]
fn request_goes_to_the_host_with_its_deadline() {
    let event = booking::BookingRequested {
        booking: Some(facts()),
        respond_by: Some(stamp("2026-11-22T15:00:00Z")),
        ..Default::default()
    };
    let messages = event.messages();
    assert_eq!(recipients(&event), [HOST]);
    assert_eq!(messages[0].title, "새로운 예약 요청");
    assert_eq!(
        messages[0].body,
        "Genesis G80, 11월 23일 10:00 ~ 14:00 예약 요청이 도착했습니다. 11월 23일 00:00까지 응답해 주세요."
    );
    let data: Vec<_> = messages[0]
        .data
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(data, [("booking_id", "b"), ("vehicle_id", "v")]);
}

#[test]
fn approval_and_rejection_go_to_the_guest() {
    assert_eq!(
        recipients(&booking::BookingApproved {
            booking: Some(facts()),
            ..Default::default()
        }),
        [GUEST]
    );
    assert_eq!(
        recipients(&booking::BookingRejected {
            booking: Some(facts()),
            ..Default::default()
        }),
        [GUEST]
    );
}

#[test]
fn events_of_the_rental_go_to_both() {
    assert_eq!(
        recipients(&booking::BookingConfirmed {
            booking: Some(facts()),
            ..Default::default()
        }),
        [GUEST, HOST]
    );
    assert_eq!(
        recipients(&booking::BookingExpired {
            booking: Some(facts()),
            ..Default::default()
        }),
        [GUEST, HOST]
    );
    assert_eq!(
        recipients(&booking::BookingStarted {
            booking: Some(facts()),
            ..Default::default()
        }),
        [GUEST, HOST]
    );
    assert_eq!(
        recipients(&booking::BookingCompleted {
            booking: Some(facts()),
            ..Default::default()
        }),
        [GUEST, HOST]
    );
}

#[rstest]
#[case(booking::CancellationReason::Guest, "게스트의 요청으로")]
#[case(booking::CancellationReason::Host, "호스트의 요청으로")]
#[case(booking::CancellationReason::PaymentFailed, "결제가 거절되어")]
#[case(booking::CancellationReason::PaymentOverdue, "기한 내에 결제되지 않아")]
#[case(booking::CancellationReason::HoldLost, "다른 예약이 먼저 접수되어")]
#[case(booking::CancellationReason::NoShow, "이용 시작 없이 대여 시간이 지나")]
fn cancellation_goes_to_both_with_its_reason(
    #[case] reason: booking::CancellationReason,
    #[case] text: &str,
) {
    let event = booking::BookingCancelled {
        booking: Some(facts()),
        reason: reason.into(),
        ..Default::default()
    };
    assert_eq!(recipients(&event), [GUEST, HOST]);
    assert_eq!(
        event.messages()[0].body,
        format!("Genesis G80, 11월 23일 10:00 ~ 14:00 예약이 {text} 취소되었습니다.")
    );
}

#[test]
fn compensation_goes_to_the_guest_with_its_code() {
    let event = booking::BookingCompensated {
        booking: Some(facts()),
        coupon_code: "A1B2C3D4".into(),
        amount: 6_000,
        valid_until: Some(stamp("2027-11-23T01:00:00Z")),
        ..Default::default()
    };
    assert_eq!(recipients(&event), [GUEST]);
    let message = &event.messages()[0];
    assert!(
        message.body.contains("6,000원 쿠폰(A1B2C3D4)을 드립니다."),
        "{}",
        message.body
    );
    assert_eq!(message.data["coupon_code"], "A1B2C3D4");
}

#[test]
fn payments_go_to_the_guest() {
    let requested = payment::PaymentRequested {
        guest_id: GUEST.into(),
        amount: 80_000,
        due_at: Some(stamp("2026-11-22T15:00:00Z")),
        ..Default::default()
    };
    assert_eq!(
        requested.messages()[0].body,
        "11월 23일 00:00까지 80,000원을 결제하면 예약이 확정됩니다."
    );
    let refunded = payment::PaymentRefunded {
        guest_id: GUEST.into(),
        refunded_amount: 40_000,
        ..Default::default()
    };
    assert_eq!(recipients(&refunded), [GUEST]);
    assert_eq!(refunded.messages()[0].body, "40,000원이 환불되었습니다.");
    assert_eq!(
        recipients(&payment::PaymentFailed {
            guest_id: GUEST.into(),
            ..Default::default()
        }),
        [GUEST]
    );
    assert_eq!(
        recipients(&payment::PaymentCompleted {
            guest_id: GUEST.into(),
            ..Default::default()
        }),
        [GUEST]
    );
}

#[test]
fn welcome_depends_on_the_role() {
    let profile = |role: Role| {
        Some(auth::UserProfile {
            name: "김민지".into(),
            role: role.into(),
            ..Default::default()
        })
    };
    let guest = auth::UserRegistered {
        user_id: GUEST.into(),
        profile: profile(Role::Guest),
    };
    let host = auth::UserRegistered {
        user_id: HOST.into(),
        profile: profile(Role::Host),
    };
    assert_eq!(
        guest.messages()[0].body,
        "김민지님, 반갑습니다. 가까운 차량을 찾아 시간 단위로 이용해 보세요."
    );
    assert_eq!(
        host.messages()[0].body,
        "김민지님, 반갑습니다. 차량을 등록하고 대여를 시작해 보세요."
    );
}

#[test]
fn events_without_recipients() {
    assert!(auth::UserUpdated::default().messages().is_empty());
    assert!(vehicle::VehicleUpdated::default().messages().is_empty());
    assert!(vehicle::VehicleWithdrawn::default().messages().is_empty());
    assert!(vehicle::VehicleHoldLost::default().messages().is_empty());
}

#[test]
fn posted_review_goes_to_the_reviewee_and_a_decision_to_its_author() {
    let review = Some(booking::ReviewFacts {
        review_id: "r".into(),
        booking: Some(facts()),
        reviewer_id: GUEST.into(),
        reviewee_id: HOST.into(),
        rating: 5,
        ..Default::default()
    });
    let review_id = "r".to_owned();
    let posted = booking::ReviewPosted {
        review_id: review_id.clone(),
        review: review.clone(),
    };
    let message = posted.messages().remove(0);
    assert_eq!(recipients(&posted), [HOST]);
    assert_eq!(
        (message.title.as_str(), message.body.as_str()),
        (
            "새로운 후기가 등록되었습니다",
            "Genesis G80, 11월 23일 10:00 ~ 14:00 이용에 대한 후기가 공개되었습니다. 확인하고 답글을 남겨 보세요."
        )
    );
    let data: Vec<_> = message
        .data
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        data,
        [("booking_id", "b"), ("review_id", "r"), ("vehicle_id", "v")]
    );
    let hidden = booking::ReviewHidden {
        review_id: review_id.clone(),
        review: review.clone(),
    };
    assert_eq!(recipients(&hidden), [GUEST]);
    assert_eq!(
        recipients(&booking::ReviewRestored { review_id, review }),
        [GUEST]
    );
}
