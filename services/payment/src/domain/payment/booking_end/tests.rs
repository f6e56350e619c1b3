//! Tests of refunds, shares and ends of bookings.

use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::payment::tests::{ended, noon, payment, snapshot};
use crate::domain::provider_report::PaymentSnapshot;

#[rstest]
#[case(State::Due, State::Failed, None)]
#[case(State::Requested, State::Failed, None)]
#[case(State::Unknown, State::Unknown, None)]
#[case(State::Failed, State::Failed, None)]
#[case(State::Completed, State::Completed, Some(45_000))]
#[case(State::Refunded, State::Refunded, None)]
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
fn partial_refund_changes_the_amounts_and_not_the_state() {
    let mut payment = payment(State::Completed);
    let posting = payment.refund(22_500).unwrap();
    assert_eq!((posting.gross_krw, posting.fee_krw), (-22_500, -3_375));
    assert_eq!(
        (payment.state, payment.refunded_krw, payment.fee_krw),
        (State::Completed, 22_500, 3_375)
    );
    payment.refund(22_500).unwrap();
    assert_eq!((payment.state, payment.balance_krw()), (State::Refunded, 0));
}

#[test]
fn refund_of_what_the_end_of_the_booking_requires_settles_the_payment() {
    let mut payment = payment(State::Completed);
    payment.end_booking(ended(Some(22_500)));
    payment.refund(10_000).unwrap();
    assert_eq!((payment.state, payment.owed_krw()), (State::Completed, 12_500));
    payment.refund(12_500).unwrap();
    assert_eq!((payment.state, payment.owed_krw()), (State::Refunded, 0));
}

/// Whether the refund at the provider or the end of the booking becomes known first.
#[rstest]
#[case(10_000, Some(12_500))]
#[case(22_500, None)]
#[case(30_000, None)]
fn refunds_at_the_provider_count_towards_what_is_owed(#[case] refunded: i64, #[case] owed: Option<i64>) {
    let mut before = payment(State::Completed);
    before.refund(refunded).unwrap();
    assert_eq!(before.end_booking(ended(Some(22_500))), owed);
    let mut after = payment(State::Completed);
    after.end_booking(ended(Some(22_500)));
    after.refund(refunded).unwrap();
    assert_eq!(Some(after.owed_krw()).filter(|owed| *owed > 0), owed);
}

#[test]
fn refund_after_an_end_that_owes_nothing_keeps_the_state() {
    let mut payment = payment(State::Completed);
    payment.end_booking(ended(Some(0)));
    payment.refund(500).unwrap();
    assert_eq!(payment.state, State::Completed);
}

#[test]
fn refund_rejects_more_than_the_balance() {
    for (state, amount_krw) in [
        (State::Completed, 45_001),
        (State::Completed, 0),
        (State::Refunded, 1),
        (State::Unknown, 1),
    ] {
        assert!(
            payment(state).refund(amount_krw).is_err(),
            "{state:?} {amount_krw}"
        );
    }
}

#[test]
fn reconciliation_ends_a_window_after_the_rental_or_the_end_of_the_booking() {
    let week = Duration::from_hours(7 * 24);
    let mut payment = payment(State::Completed);
    assert_eq!(payment.reconciled_until(week), noon() + TimeDelta::days(10));
    payment.end_booking(ended(Some(0)));
    assert_eq!(payment.reconciled_until(week), noon() + TimeDelta::days(7));
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
