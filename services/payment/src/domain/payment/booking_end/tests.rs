//! Tests of refunds, shares and ends of bookings.

use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::payment::tests::{ended, noon, payment, snapshot};
use crate::domain::provider_report::PaymentSnapshot;

#[rstest]
#[case(State::Due, State::Failed, 0)]
#[case(State::Requested, State::Failed, 0)]
#[case(State::Unknown, State::Unknown, 0)]
#[case(State::Failed, State::Failed, 0)]
#[case(State::Completed, State::Completed, 45_000)]
#[case(State::Refunded, State::Refunded, 0)]
fn end_booking(#[case] state: State, #[case] after: State, #[case] owed: i64) {
    let mut payment = payment(state);
    payment.end_booking(ended(None));
    assert_eq!(
        (payment.state, payment.owed_krw(Origin::BookingEnd)),
        (after, owed)
    );
    payment.end_booking(ended(Some(1)));
    assert_eq!(
        payment.owed_krw(Origin::BookingEnd),
        owed,
        "only the first end has an effect"
    );
}

#[rstest]
#[case(Some(22_500), 22_500)]
#[case(Some(99_999), 45_000)]
#[case(Some(0), 0)]
#[case(None, 45_000)]
fn end_booking_refunds_the_given_amount_up_to_the_balance(
    #[case] refund_krw: Option<i64>,
    #[case] owed: i64,
) {
    let mut payment = payment(State::Completed);
    payment.end_booking(ended(refund_krw));
    assert_eq!(payment.owed_krw(Origin::BookingEnd), owed);
}

/// Changes of a booking, then its end: both name totals, so their order and number do not matter.
#[rstest]
#[case(&[], 0)]
#[case(&[5_000], 5_000)]
#[case(&[5_000, 8_000], 8_000)]
#[case(&[8_000, 5_000, 8_000], 8_000)]
#[case(&[99_999], 45_000)]
fn changes_raise_what_is_owed(#[case] totals: &[i64], #[case] owed: i64) {
    let mut payment = payment(State::Completed);
    for total in totals {
        payment.lower(*total);
    }
    assert_eq!(payment.owed_krw(Origin::BookingChange), owed);
    payment.refund(owed.max(1)).unwrap();
    assert_eq!(payment.owed_krw(Origin::BookingChange), 0);
    payment.end_booking(ended(Some(20_000)));
    for origin in [Origin::BookingChange, Origin::BookingEnd] {
        assert_eq!(
            payment.owed_krw(origin),
            (20_000 - owed.max(1)).max(0),
            "{origin:?}"
        );
    }
}

#[test]
fn refund_of_a_change_keeps_the_payment_completed() {
    let mut payment = payment(State::Completed);
    payment.lower(5_000);
    payment.refund(5_000).unwrap();
    assert_eq!((payment.state, payment.fee_krw), (State::Completed, 6_000));
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
    assert_eq!(
        (payment.state, payment.owed_krw(Origin::BookingEnd)),
        (State::Completed, 12_500)
    );
    payment.refund(12_500).unwrap();
    assert_eq!(
        (payment.state, payment.owed_krw(Origin::BookingEnd)),
        (State::Refunded, 0)
    );
}

/// Whether the refund at the provider or the end of the booking becomes known first.
#[rstest]
#[case(10_000, 12_500)]
#[case(22_500, 0)]
#[case(30_000, 0)]
fn refunds_at_the_provider_count_towards_what_is_owed(#[case] refunded: i64, #[case] owed: i64) {
    let mut before = payment(State::Completed);
    before.refund(refunded).unwrap();
    before.end_booking(ended(Some(22_500)));
    let mut after = payment(State::Completed);
    after.end_booking(ended(Some(22_500)));
    after.refund(refunded).unwrap();
    assert_eq!(
        (
            before.owed_krw(Origin::BookingEnd),
            after.owed_krw(Origin::BookingEnd)
        ),
        (owed, owed)
    );
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

#[test]
fn refund_of_a_charge_without_a_fee_leaves_the_platform_nothing() {
    let mut payment = payment(State::Completed);
    payment.fee_krw = 0;
    let posting = payment.refund(10_000).unwrap();
    assert_eq!(
        (posting.gross_krw, posting.fee_krw, payment.fee_krw),
        (-10_000, 0, 0)
    );
}

/// A rental of 60,000 won with a coupon of 5,000 won, shortened to 45,000 won.
#[test]
fn platform_bears_its_discount_of_what_a_refund_leaves() {
    let mut payment = payment(State::Completed);
    payment.amount_krw = 55_000;
    payment.platform_discount_krw = 5_000;
    payment.fee_krw = 9_000 - 5_000;
    let posting = payment.refund(15_000).unwrap();
    assert_eq!((posting.gross_krw, payment.fee_krw), (-15_000, 6_750 - 5_000));
    payment.refund(30_000).unwrap();
    assert_eq!(payment.fee_krw, 0);
    payment.refund(10_000).unwrap();
    assert_eq!((payment.fee_krw, payment.state), (0, State::Refunded));
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
