//! Every state under every action, and the arithmetic of shares.

use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;
use uuid::Uuid;

use super::*;
use crate::domain::finding::Standing;
use crate::domain::ids::MethodId;

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
        closing: None,
        next_check_at: Some(noon()),
        checks: 0,
        recheck: false,
        created_at: noon(),
        version: 0,
    }
}

fn report() -> Report {
    Report {
        payment_key: "pk_1".to_owned(),
        order_id: PaymentId(Uuid::from_u128(1)).order_id(),
        standing: Standing::Captured(noon()),
        total_krw: 45_000,
        method: Some("카드".to_owned()),
        cancels: Vec::new(),
    }
}

fn billing() -> Kind {
    Kind::Billing {
        method: MethodId(Uuid::from_u128(5)),
    }
}

fn window() -> Kind {
    Kind::Window {
        payment_key: "pk_1".to_owned(),
    }
}

fn closing(refund_krw: Option<i64>) -> Closing {
    Closing {
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
fn begin(#[case] state: State, #[case] by_card: bool, #[case] by_window: bool) {
    for (kind, allowed) in [(billing(), by_card), (window(), by_window)] {
        let mut payment = payment(state);
        let begun = payment.begin(&kind, noon(), noon() + TimeDelta::seconds(15));
        assert_eq!(begun.is_ok(), allowed, "{state:?} {kind:?}");
        if allowed {
            assert_eq!((payment.state, payment.last_attempt), (State::Unknown, 1));
            assert_eq!(payment.next_check_at, Some(noon() + TimeDelta::seconds(15)));
        }
    }
}

#[test]
fn nothing_begins_when_the_booking_is_over_or_the_money_overdue() {
    let mut late = payment(State::Requested);
    let refused = late.begin(&window(), late.due_at, late.due_at).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a payment that is requested cannot be attempted"
    );
    let mut closed = payment(State::Unknown);
    closed.close(closing(None));
    closed.state = State::Due;
    assert!(closed.begin(&billing(), noon(), noon()).is_err());
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
    let captured = payment.capture(&report(), noon());
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
fn a_capture_after_the_end_of_the_booking_goes_back_whole_whatever_the_policy_said() {
    let mut payment = payment(State::Unknown);
    assert_eq!(payment.close(closing(Some(0))), None);
    assert_eq!(payment.state, State::Unknown);
    assert_eq!(
        payment.capture(&report(), noon()).unwrap().refund_krw,
        Some(45_000)
    );
}

#[rstest]
#[case(Next::Fail, State::Failed, Ended::Failed)]
#[case(Next::AskGuest, State::Requested, Ended::GoesOn)]
#[case(Next::TryAgain, State::Due, Ended::GoesOn)]
#[case(Next::TryOtherMethod, State::Due, Ended::GoesOn)]
fn end_attempt(#[case] next: Next, #[case] after: State, #[case] ended: Ended) {
    let mut open = payment(State::Unknown);
    assert_eq!(open.end_attempt(next, "CODE", noon()).unwrap(), ended);
    assert_eq!(open.state, after);
    let mut closed = payment(State::Unknown);
    closed.close(closing(None));
    assert_eq!(
        closed.end_attempt(next, "CODE", noon()).unwrap(),
        Ended::CalledOff
    );
    assert_eq!(closed.failure_code.as_deref(), Some(BOOKING_CLOSED));
    for state in State::ALL.into_iter().filter(|state| *state != State::Unknown) {
        assert!(
            payment(state).end_attempt(next, "CODE", noon()).is_err(),
            "{state:?}"
        );
    }
}

#[test]
fn request_is_for_what_is_due() {
    for state in State::ALL {
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
fn close(#[case] state: State, #[case] after: State, #[case] owed: Option<i64>) {
    let mut payment = payment(state);
    assert_eq!(payment.close(closing(None)), owed);
    assert_eq!(payment.state, after);
    assert_eq!(payment.close(closing(None)), None, "the first closing counts");
}

#[rstest]
#[case(Some(22_500), Some(22_500))]
#[case(Some(99_999), Some(45_000))]
#[case(Some(0), None)]
#[case(None, Some(45_000))]
fn what_goes_back_is_what_the_event_says_and_at_most_what_is_there(
    #[case] refund_krw: Option<i64>,
    #[case] owed: Option<i64>,
) {
    assert_eq!(payment(State::Completed).close(closing(refund_krw)), owed);
}

#[test]
fn giving_back_half_leaves_half_of_each_share() {
    let mut payment = payment(State::Completed);
    let movement = payment.give_back(22_500).unwrap();
    assert_eq!((movement.gross_krw, movement.fee_krw), (-22_500, -3_375));
    assert_eq!(
        (payment.state, payment.refunded_krw, payment.fee_krw),
        (State::Refunded, 22_500, 3_375)
    );
    assert_eq!(payment.balance_krw(), 22_500);
}

#[test]
fn nothing_is_given_back_that_is_not_there() {
    for (state, amount_krw) in [
        (State::Completed, 45_001),
        (State::Completed, 0),
        (State::Refunded, 25_001),
        (State::Unknown, 1),
    ] {
        assert!(
            payment(state).give_back(amount_krw).is_err(),
            "{state:?} {amount_krw}"
        );
    }
}

#[test]
fn looking_again_takes_longer_each_time_and_a_webhook_is_not_forgotten() {
    let mut payment = payment(State::Unknown);
    let pauses: Vec<_> = (0..3)
        .map(|_| {
            payment.look_again(noon());
            (payment.next_check_at.unwrap() - noon()).to_std().unwrap()
        })
        .collect();
    assert_eq!(pauses, [1, 2, 4].map(Duration::from_secs));
    payment.recheck = true;
    payment.rest();
    assert!(payment.next_check_at.is_some());
    payment.recheck = false;
    payment.rest();
    assert_eq!((payment.next_check_at, payment.checks), (None, 0));
}

#[test]
fn words_lead_back() {
    for state in State::ALL {
        assert_eq!(State::parse(state.as_str()), Some(state));
    }
    assert_eq!(State::parse("paid"), None);
}

proptest! {
    #[test]
    fn captured_minus_refunded_is_fee_plus_host(total in 1i64..100_000_000, parts in prop::collection::vec(0.0f64..1.0, 1..5)) {
        let mut payment = payment(State::Unknown);
        payment.amount_krw = total;
        payment.fee_krw = fee_of(total);
        let report = Report { total_krw: total, ..report() };
        let mut movements = vec![payment.capture(&report, noon()).unwrap().movement];
        for part in parts {
            let back = (payment.balance_krw() as f64 * part) as i64;
            movements.extend(payment.give_back(back).ok());
        }
        let gross: i64 = movements.iter().map(|movement| movement.gross_krw).sum();
        let fee: i64 = movements.iter().map(|movement| movement.fee_krw).sum();
        prop_assert_eq!(gross, payment.balance_krw());
        prop_assert_eq!(fee, payment.fee_krw);
        prop_assert_eq!(fee, fee_of(gross));
        prop_assert!((0..=gross).contains(&fee));
    }
}
