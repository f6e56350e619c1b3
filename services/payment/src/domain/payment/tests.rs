//! Tests of every transition in every state, and of the shares.

use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;
use strum::VariantArray as _;
use uuid::Uuid;

use super::*;
use crate::domain::ids::PaymentMethodId;
use crate::domain::provider_report::PaymentStatus;

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn payment(state: State) -> Payment {
    let captured = matches!(state, State::Completed | State::Refunded);
    let refunded_krw = if state == State::Refunded { 20_000 } else { 0 };
    let id = PaymentId(Uuid::from_u128(1));
    Payment {
        id,
        booking_id: BookingId(Uuid::from_u128(2)),
        guest_id: GuestId(Uuid::from_u128(3)),
        host_id: HostId(Uuid::from_u128(4)),
        order_id: id.order_id(),
        order_name: "카셰어링 아이오닉 5".to_owned(),
        amount_krw: 45_000,
        fee_krw: fee_of(45_000 - refunded_krw),
        refunded_krw,
        state,
        last_attempt: i32::from(state == State::Unknown),
        payment_key: captured.then(|| "pk_1".to_owned()),
        method: None,
        failure_code: (state == State::Failed).then(|| "REJECT_CARD_PAYMENT".to_owned()),
        due_at: noon() + TimeDelta::hours(2),
        paid_at: captured.then(noon),
        booking_end: None,
        next_check_at: Some(noon()),
        checks: 0,
        recheck: false,
        created_at: noon(),
        version: 0,
    }
}

fn snapshot() -> PaymentSnapshot {
    PaymentSnapshot {
        payment_key: "pk_1".to_owned(),
        order_id: PaymentId(Uuid::from_u128(1)).order_id(),
        status: PaymentStatus::Captured(noon()),
        total_krw: 45_000,
        method: Some("카드".to_owned()),
        cancels: Vec::new(),
    }
}

fn billing() -> AttemptKind {
    AttemptKind::Billing {
        method: PaymentMethodId(Uuid::from_u128(5)),
    }
}

fn checkout() -> AttemptKind {
    AttemptKind::Checkout {
        payment_key: "pk_1".to_owned(),
    }
}

fn ended(refund_krw: Option<i64>) -> BookingEnd {
    BookingEnd {
        at: noon(),
        refund_krw,
    }
}

#[rstest]
#[case(State::Due, true, true)]
#[case(State::Requested, false, true)]
#[case(State::Unknown, false, false)]
#[case(State::Completed, false, false)]
#[case(State::Failed, false, false)]
#[case(State::Refunded, false, false)]
fn begin_attempt(#[case] state: State, #[case] by_card: bool, #[case] by_checkout: bool) {
    for (kind, allowed) in [(billing(), by_card), (checkout(), by_checkout)] {
        let mut payment = payment(state);
        let begun = payment.begin_attempt(&kind, noon(), noon() + TimeDelta::seconds(15));
        assert_eq!(begun.is_ok(), allowed, "{state:?} {kind:?}");
        if allowed {
            assert_eq!((payment.state, payment.last_attempt), (State::Unknown, 1));
            assert_eq!(payment.next_check_at, Some(noon() + TimeDelta::seconds(15)));
        }
    }
}

#[test]
fn begin_attempt_rejects_overdue_payments_and_ended_bookings() {
    let mut late = payment(State::Requested);
    let refused = late
        .begin_attempt(&checkout(), late.due_at, late.due_at)
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a payment that is requested cannot be attempted"
    );
    let mut closed = payment(State::Unknown);
    closed.end_booking(ended(None));
    closed.state = State::Due;
    assert!(closed.begin_attempt(&billing(), noon(), noon()).is_err());
}

#[rstest]
#[case(State::Due, Ok(None))]
#[case(State::Requested, Ok(None))]
#[case(State::Unknown, Ok(None))]
#[case(State::Failed, Ok(Some(45_000)))]
#[case(State::Completed, Err(()))]
#[case(State::Refunded, Err(()))]
fn capture(#[case] state: State, #[case] refund_krw: Result<Option<i64>, ()>) {
    let mut payment = payment(state);
    let captured = payment.capture(&snapshot(), noon());
    assert_eq!(
        captured.map(|capture| capture.refund_krw).map_err(drop),
        refund_krw
    );
    if refund_krw.is_ok() {
        assert_eq!(
            (payment.state, payment.paid_at, payment.next_check_at),
            (State::Completed, Some(noon()), None)
        );
        assert_eq!((&payment.failure_code, payment.balance_krw()), (&None, 45_000));
    }
}

#[test]
fn capture_after_the_end_of_the_booking_is_refunded_in_full() {
    let mut payment = payment(State::Unknown);
    assert_eq!(payment.end_booking(ended(Some(0))), None);
    assert_eq!(payment.state, State::Unknown);
    assert_eq!(
        payment.capture(&snapshot(), noon()).unwrap().refund_krw,
        Some(45_000)
    );
}

#[rstest]
#[case(NextStep::Fail, State::Failed, AttemptEnd::PaymentFailed)]
#[case(NextStep::RequestPayment, State::Requested, AttemptEnd::Continues)]
#[case(NextStep::Retry, State::Due, AttemptEnd::Continues)]
#[case(NextStep::RetryOtherMethod, State::Due, AttemptEnd::Continues)]
fn end_attempt(#[case] next: NextStep, #[case] after: State, #[case] end: AttemptEnd) {
    let mut open = payment(State::Unknown);
    assert_eq!(open.end_attempt(next, "CODE", noon()).unwrap(), end);
    assert_eq!(open.state, after);
    let mut closed = payment(State::Unknown);
    closed.end_booking(ended(None));
    assert_eq!(
        closed.end_attempt(next, "CODE", noon()).unwrap(),
        AttemptEnd::BookingEnded
    );
    assert_eq!(closed.failure_code.as_deref(), Some(BOOKING_CLOSED));
    for state in State::VARIANTS
        .iter()
        .copied()
        .filter(|state| *state != State::Unknown)
    {
        assert!(
            payment(state).end_attempt(next, "CODE", noon()).is_err(),
            "{state:?}"
        );
    }
}

#[test]
fn request_accepts_only_due_payments() {
    for state in State::VARIANTS.iter().copied() {
        let mut payment = payment(state);
        assert_eq!(payment.request().is_ok(), state == State::Due, "{state:?}");
    }
}

#[rstest]
#[case(State::Due, State::Failed, None)]
#[case(State::Requested, State::Failed, None)]
#[case(State::Unknown, State::Unknown, None)]
#[case(State::Failed, State::Failed, None)]
#[case(State::Completed, State::Completed, Some(45_000))]
#[case(State::Refunded, State::Refunded, Some(25_000))]
fn end_booking(#[case] state: State, #[case] after: State, #[case] owed: Option<i64>) {
    let mut payment = payment(state);
    assert_eq!(payment.end_booking(ended(None)), owed);
    assert_eq!(payment.state, after);
    assert_eq!(
        payment.end_booking(ended(None)),
        None,
        "only the first end has an effect"
    );
}

#[rstest]
#[case(Some(22_500), Some(22_500))]
#[case(Some(99_999), Some(45_000))]
#[case(Some(0), None)]
#[case(None, Some(45_000))]
fn end_booking_refunds_the_given_amount_up_to_the_balance(
    #[case] refund_krw: Option<i64>,
    #[case] owed: Option<i64>,
) {
    assert_eq!(payment(State::Completed).end_booking(ended(refund_krw)), owed);
}

#[test]
fn refund_of_half_halves_both_shares() {
    let mut payment = payment(State::Completed);
    let posting = payment.refund(22_500).unwrap();
    assert_eq!((posting.gross_krw, posting.fee_krw), (-22_500, -3_375));
    assert_eq!(
        (payment.state, payment.refunded_krw, payment.fee_krw),
        (State::Refunded, 22_500, 3_375)
    );
    assert_eq!(payment.balance_krw(), 22_500);
}

#[test]
fn refund_rejects_more_than_the_balance() {
    for (state, amount_krw) in [
        (State::Completed, 45_001),
        (State::Completed, 0),
        (State::Refunded, 25_001),
        (State::Unknown, 1),
    ] {
        assert!(
            payment(state).refund(amount_krw).is_err(),
            "{state:?} {amount_krw}"
        );
    }
}

#[test]
fn check_later_backs_off_and_stop_checking_keeps_a_recheck() {
    let mut payment = payment(State::Unknown);
    let delays: Vec<_> = (0..3)
        .map(|_| {
            payment.check_later(noon());
            (payment.next_check_at.unwrap() - noon()).to_std().unwrap()
        })
        .collect();
    assert_eq!(delays, [1, 2, 4].map(Duration::from_secs));
    payment.recheck = true;
    payment.stop_checking();
    assert!(payment.next_check_at.is_some());
    payment.recheck = false;
    payment.stop_checking();
    assert_eq!((payment.next_check_at, payment.checks), (None, 0));
}

#[test]
fn state_names_round_trip() {
    for state in State::VARIANTS.iter().copied() {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    assert!("paid".parse::<State>().is_err());
}

proptest! {
    #[test]
    fn captured_minus_refunded_is_fee_plus_host(total in 1i64..100_000_000, parts in prop::collection::vec(0.0f64..1.0, 1..5)) {
        let mut payment = payment(State::Unknown);
        payment.amount_krw = total;
        payment.fee_krw = fee_of(total);
        let snapshot = PaymentSnapshot { total_krw: total, ..snapshot() };
        let mut movements = vec![payment.capture(&snapshot, noon()).unwrap().posting];
        for part in parts {
            let back = (payment.balance_krw() as f64 * part) as i64;
            movements.extend(payment.refund(back).ok());
        }
        let gross: i64 = movements.iter().map(|posting| posting.gross_krw).sum();
        let fee: i64 = movements.iter().map(|posting| posting.fee_krw).sum();
        prop_assert_eq!(gross, payment.balance_krw());
        prop_assert_eq!(fee, payment.fee_krw);
        prop_assert_eq!(fee, fee_of(gross));
        prop_assert!((0..=gross).contains(&fee));
    }
}
