//! The course of a refund, and how a cancel at the provider is recognised.

use chrono::TimeDelta;
use rstest::rstest;

use super::*;

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn owed() -> Refund {
    Refund::owed(
        RefundId(Uuid::from_u128(7)),
        PaymentId(Uuid::from_u128(1)),
        10_000,
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
fn a_call_that_was_never_answered_is_repeated_under_its_key_and_an_answered_one_under_a_new_key() {
    let mut refund = owed();
    assert!(refund.call(45_000, noon()));
    assert_eq!((refund.state, refund.attempt), (RefundState::Unknown, 1));
    refund.refused(
        &Refusal::new(Verdict::Unknown { key_spent: false }, "TIMEOUT"),
        noon(),
    );
    refund.not_there(noon());
    assert!(refund.call(45_000, noon()));
    assert_eq!(refund.idempotency_key(), format!("refund:{}:1", refund.id));
    refund.refused(
        &Refusal::new(Verdict::Unknown { key_spent: true }, "COMMON_ERROR"),
        noon(),
    );
    refund.not_there(noon());
    assert!(refund.call(45_000, noon()));
    assert_eq!(refund.idempotency_key(), format!("refund:{}:2", refund.id));
}

#[rstest]
#[case(45_000, true, 10_000, RefundState::Unknown)]
#[case(4_000, true, 4_000, RefundState::Unknown)]
#[case(0, false, 10_000, RefundState::Void)]
fn no_more_is_asked_for_than_is_left(
    #[case] balance_krw: i64,
    #[case] goes: bool,
    #[case] amount_krw: i64,
    #[case] state: RefundState,
) {
    let mut refund = owed();
    assert_eq!(refund.call(balance_krw, noon()), goes);
    assert_eq!((refund.amount_krw, refund.state), (amount_krw, state));
}

#[rstest]
#[case(Verdict::Unknown { key_spent: false }, false, TimeDelta::seconds(1))]
#[case(Verdict::Unknown { key_spent: true }, true, TimeDelta::seconds(1))]
#[case(Verdict::OurFault, true, TimeDelta::hours(1))]
#[case(Verdict::Declined, true, TimeDelta::hours(1))]
fn a_refusal_is_never_the_end(#[case] verdict: Verdict, #[case] key_spent: bool, #[case] pause: TimeDelta) {
    let mut refund = owed();
    refund.call(45_000, noon());
    refund.refused(&Refusal::new(verdict, "CODE"), noon());
    assert_eq!(
        (refund.key_spent, refund.next_check_at),
        (key_spent, Some(noon() + pause))
    );
    assert_eq!(
        (refund.state, refund.step()),
        (RefundState::Unknown, RefundStep::Query)
    );
}

#[test]
fn a_cancel_names_its_refund() {
    let refund = owed();
    assert_eq!(named_by(&cancel(refund.reason())), Some(refund.id));
    for other in ["", "고객 변심", "예약 취소 환불 7"] {
        assert_eq!(named_by(&cancel(other.to_owned())), None, "{other}");
    }
    assert!(refund.reason().chars().count() <= 200);
}

#[test]
fn done_is_done() {
    let mut refund = owed();
    refund.call(45_000, noon());
    refund.done(&cancel(refund.reason()));
    assert_eq!(
        (refund.step(), refund.transaction_key.as_deref()),
        (RefundStep::Rest, Some("t1"))
    );
    let there = Refund::made_there(
        RefundId(Uuid::nil()),
        refund.payment_id,
        &cancel(String::new()),
        noon(),
    );
    assert_eq!((there.state, there.origin), (RefundState::Done, Origin::Provider));
}

#[test]
fn words_lead_back() {
    for state in [
        RefundState::Due,
        RefundState::Unknown,
        RefundState::Done,
        RefundState::Void,
    ] {
        assert_eq!(RefundState::parse(state.as_str()), Some(state));
    }
    for origin in [Origin::Closing, Origin::Provider] {
        assert_eq!(Origin::parse(origin.as_str()), Some(origin));
    }
}
