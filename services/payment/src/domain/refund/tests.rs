//! Tests of refund transitions, and of the refund ids in cancels.

use chrono::TimeDelta;
use rstest::rstest;

use super::*;

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn due() -> Refund {
    Refund::new(
        RefundId(Uuid::from_u128(7)),
        PaymentId(Uuid::from_u128(1)),
        10_000,
        Origin::BookingEnd,
        noon(),
    )
}

fn cancel(reason: String) -> Cancel {
    Cancel {
        transaction_key: "t1".to_owned(),
        amount_krw: 10_000,
        reason,
    }
}

#[test]
fn unanswered_calls_keep_their_idempotency_key_and_answered_ones_get_a_new_one() {
    let mut refund = due();
    assert!(refund.begin_call(45_000, noon()));
    assert_eq!((refund.state, refund.attempt), (RefundState::Unknown, 1));
    refund.call_failed(
        &ProviderError::new(ErrorKind::Unknown { key_spent: false }, "TIMEOUT"),
        noon(),
    );
    refund.not_found(noon());
    assert!(refund.begin_call(45_000, noon()));
    assert_eq!(refund.idempotency_key(), format!("refund:{}:1", refund.id));
    refund.call_failed(
        &ProviderError::new(ErrorKind::Unknown { key_spent: true }, "COMMON_ERROR"),
        noon(),
    );
    refund.not_found(noon());
    assert!(refund.begin_call(45_000, noon()));
    assert_eq!(refund.idempotency_key(), format!("refund:{}:2", refund.id));
}

#[rstest]
#[case(45_000, true, 10_000, RefundState::Unknown)]
#[case(4_000, true, 4_000, RefundState::Unknown)]
#[case(0, false, 10_000, RefundState::Void)]
fn begin_call_is_limited_to_what_is_owed(
    #[case] owed_krw: i64,
    #[case] called: bool,
    #[case] amount_krw: i64,
    #[case] state: RefundState,
) {
    let mut refund = due();
    assert_eq!(refund.begin_call(owed_krw, noon()), called);
    assert_eq!((refund.amount_krw, refund.state), (amount_krw, state));
}

#[rstest]
#[case(ErrorKind::Unknown { key_spent: false }, false, TimeDelta::seconds(1))]
#[case(ErrorKind::Unknown { key_spent: true }, true, TimeDelta::seconds(1))]
#[case(ErrorKind::OurFault, true, TimeDelta::hours(1))]
#[case(ErrorKind::Declined, true, TimeDelta::hours(1))]
fn call_failed_schedules_a_lookup(
    #[case] kind: ErrorKind,
    #[case] key_spent: bool,
    #[case] delay: TimeDelta,
) {
    let mut refund = due();
    refund.begin_call(45_000, noon());
    refund.call_failed(&ProviderError::new(kind, "CODE"), noon());
    assert_eq!(
        (refund.key_spent, refund.next_check_at),
        (key_spent, Some(noon() + delay))
    );
    assert_eq!(
        (refund.state, refund.next_step()),
        (RefundState::Unknown, RefundStep::Lookup)
    );
}

#[test]
fn refund_id_is_parsed_from_the_reason() {
    let refund = due();
    assert_eq!(refund_id_of(&cancel(refund.reason())), Some(refund.id));
    for other in ["", "고객 변심", "예약 취소 환불 7"] {
        assert_eq!(refund_id_of(&cancel(other.to_owned())), None, "{other}");
    }
    assert!(refund.reason().chars().count() <= 200);
}

#[test]
fn completed_refunds_have_no_next_step() {
    let mut refund = due();
    refund.begin_call(45_000, noon());
    refund.complete(&cancel(refund.reason()));
    assert_eq!(
        (refund.next_step(), refund.transaction_key.as_deref()),
        (RefundStep::None, Some("t1"))
    );
    let recorded = Refund::made_at_provider(
        RefundId(Uuid::nil()),
        refund.payment_id,
        &cancel(String::new()),
        noon(),
    );
    assert_eq!(
        (recorded.state, recorded.origin),
        (RefundState::Done, Origin::Provider)
    );
}

#[test]
fn names_round_trip() {
    for state in [
        RefundState::Due,
        RefundState::Unknown,
        RefundState::Done,
        RefundState::Void,
    ] {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    for origin in [Origin::BookingEnd, Origin::BookingChange, Origin::Provider] {
        assert_eq!(origin.as_str().parse(), Ok(origin));
    }
}
