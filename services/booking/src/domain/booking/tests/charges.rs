//! How charges and refunds of changed bookings add up.

use proptest::prelude::*;

use super::changes::{PAY_WITHIN, amounts, change_to, end, new_change, rates};
use super::*;
use crate::domain::booking_change::{ChangeKind, ChangeStatus, NewChange, Target};

#[test]
fn difference_is_due_in_two_hours_or_at_the_end_of_the_rental() {
    for (now, due) in [
        ("2026-11-22T12:00:00Z", "2026-11-22T14:00:00Z"),
        ("2026-12-01T12:00:00Z", "2026-12-01T13:00:00Z"),
    ] {
        let mut booking = booking(State::Active);
        let mut change = booking
            .request_change(new_change(9, end("2026-12-01T15:00:00Z")), at(now))
            .unwrap();
        booking
            .accept_change(&mut change, Party::Host, None, PAY_WITHIN, at(now))
            .unwrap();
        assert_eq!(
            (change.status, change.payment_due_at),
            (ChangeStatus::AwaitingPayment, Some(at(due)))
        );
        assert_eq!(booking.period.end(), at("2026-12-01T13:00:00Z"));
        assert!(!booking.pass_change_deadline(&mut change, at(due) - TimeDelta::seconds(1)));
        assert!(booking.pass_change_deadline(&mut change, at(due)));
        assert_eq!(change.status, ChangeStatus::PaymentFailed);
    }
}

/// By a discount a longer rental costs less, and a shorter one more.
#[test]
fn sign_of_the_difference_decides_whatever_the_kind() {
    let mut booking = booking(State::Confirmed);
    let discounted = |id, time| NewChange {
        rates: rates(true),
        ..new_change(id, end(time))
    };
    let extension = change_to(&mut booking, discounted(9, "2026-12-01T14:00:00Z"), noon());
    assert_eq!(
        (extension.kind, extension.difference_krw),
        (ChangeKind::Extension, -22_500)
    );
    assert_eq!(extension.payment_due_at, None);
    assert_eq!(amounts(&booking.refunds_of_changes()), [22_500]);
    let mut shortening = booking
        .request_change(discounted(10, "2026-12-01T13:00:00Z"), noon())
        .unwrap();
    assert_eq!(
        (shortening.kind, shortening.difference_krw),
        (ChangeKind::Shortening, 22_500)
    );
    let late = at("2026-12-01T12:30:00Z");
    shortening.respond_by = at("2026-12-01T13:00:00Z");
    booking
        .accept_change(&mut shortening, Party::Host, None, PAY_WITHIN, late)
        .unwrap();
    assert_eq!(shortening.payment_due_at, Some(at("2026-12-01T13:00:00Z")));
}

#[test]
fn paid_change_applies_while_the_rental_can_take_place() {
    let end = at("2026-12-01T13:00:00Z");
    for (state, before_end, after_end) in [
        (State::Pending, false, false),
        (State::AwaitingPayment, false, false),
        (State::Confirmed, true, false),
        (State::Active, true, true),
        (State::Completed, false, false),
        (State::Cancelled, false, false),
    ] {
        let booking = booking(state);
        assert_eq!(
            booking.can_apply_change(end - TimeDelta::seconds(1)),
            before_end,
            "{state:?}"
        );
        assert_eq!(booking.can_apply_change(end), after_end, "{state:?}");
    }
}

/// The first charge is refunded in full by a change; the booking takes place.
#[test]
fn refund_of_changes_is_no_refund_of_the_booking() {
    let mut booking = booking(State::Confirmed);
    let _ = change_to(&mut booking, new_change(9, end("2026-12-01T17:00:00Z")), noon());
    let _ = change_to(&mut booking, new_change(10, end("2026-12-01T10:00:00Z")), noon());
    assert_eq!(amounts(&booking.charged()), [60_000, 60_000]);
    assert_eq!(amounts(&booking.refunds_of_changes()), [60_000, 45_000]);
    let change = booking.apply_refund(60_000, 60_000, noon()).unwrap();
    assert_eq!((change.from, change.event), (Approved, None));
    assert_eq!(booking.state(), State::Confirmed);
    let further = ChangeId(Uuid::from_u128(9));
    let change = booking.apply_change_refund(further, 45_000, noon()).unwrap();
    assert_eq!((change.from, change.event), (Approved, None));
    assert_eq!(booking.apply_change_refund(further, 45_000, noon()), None);
    // A charge of another change is of no concern.
    let closed = ChangeId(Uuid::from_u128(10));
    assert_eq!(booking.apply_change_refund(closed, 15_000, noon()), None);
    assert_eq!(booking.state(), State::Confirmed);
    // Nobody here has asked for the rest.
    let change = booking.apply_change_refund(further, 60_000, noon()).unwrap();
    assert_eq!(change.event, Some(Event::Cancelled));
    assert_eq!(booking.payment_status, PaymentStatus::Refunded);
}

#[test]
fn cancelled_booking_is_refunded_when_each_charge_is() {
    let mut booking = booking(State::Confirmed);
    let _ = change_to(&mut booking, new_change(9, end("2026-12-01T15:00:00Z")), noon());
    let _ = booking
        .cancel(Party::Guest, None, at("2026-12-01T00:00:00Z"))
        .unwrap();
    assert_eq!(booking.cancellation.as_ref().unwrap().refund_krw, 81_000);
    assert_eq!(amounts(&booking.refunds_of_cancellation()), [60_000, 21_000]);
    let further = ChangeId(Uuid::from_u128(9));
    let _ = booking.apply_refund(60_000, 60_000, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Paid);
    let _ = booking.apply_change_refund(further, 20_999, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Paid);
    let _ = booking.apply_change_refund(further, 21_000, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Refunded);
}

#[test]
fn cancellation_after_a_shortening_is_refunded_when_both_are() {
    let mut booking = booking(State::Confirmed);
    let _ = change_to(&mut booking, new_change(9, end("2026-12-01T11:00:00Z")), noon());
    let _ = booking.apply_refund(30_000, 60_000, noon()).unwrap();
    let quote = booking
        .quote_cancellation(Party::Guest, at("2026-12-01T00:00:00Z"))
        .unwrap();
    assert_eq!((quote.refund_krw, quote.kept_krw), (27_000, 3_000));
    let _ = booking
        .cancel(Party::Guest, None, at("2026-12-01T00:00:00Z"))
        .unwrap();
    assert_eq!(amounts(&booking.refunds_of_cancellation()), [57_000]);
    let _ = booking.apply_refund(56_999, 60_000, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Paid);
    let _ = booking.apply_refund(57_000, 60_000, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Refunded);
}

proptest! {
    /// Whatever the order of changes: charges sum to the price and what was taken off, no refund exceeds its charge, and none decreases.
    #[test]
    fn charges_and_refunds_always_add_up(ends in prop::collection::vec((2..60i64, any::<bool>()), 0..12), hours_before in 0..48i64) {
        let mut booking = booking(State::Confirmed);
        let mut refunded: Vec<i64> = Vec::new();
        for (number, (half_hours, discount)) in ends.into_iter().enumerate() {
            let target = Target::End(booking.period.start() + TimeDelta::minutes(30 * half_hours));
            let new = NewChange { rates: rates(discount), ..new_change(100 + number as u128, target) };
            let before_krw = booking.price.total_krw;
            let Ok(mut change) = booking.request_change(new, noon()) else { continue };
            booking.accept_change(&mut change, Party::Host, None, PAY_WITHIN, noon()).unwrap();
            if change.status == ChangeStatus::AwaitingPayment {
                prop_assert_eq!(booking.price.total_krw, before_krw);
                booking.apply_paid_change(&mut change, noon()).unwrap();
            }
            prop_assert_eq!(booking.price.total_krw, before_krw + change.difference_krw);
            let charged = amounts(&booking.charged());
            prop_assert_eq!(charged[0], 60_000);
            prop_assert!(charged.iter().all(|amount| *amount > 0));
            let captured_krw: i64 = charged.iter().sum();
            prop_assert_eq!(captured_krw, booking.price.total_krw + booking.charges.lowered_krw);
            let refunds = amounts(&booking.spread(booking.charges.lowered_krw));
            prop_assert_eq!(refunds.iter().sum::<i64>(), booking.charges.lowered_krw);
            prop_assert!(refunds.iter().zip(&charged).all(|(refund, charge)| (0..=*charge).contains(refund)));
            prop_assert!(refunded.iter().zip(&refunds).all(|(before, after)| before <= after));
            refunded = refunds;
        }
        let cancelled_at = booking.period.start() - TimeDelta::hours(hours_before);
        let _ = booking.cancel(Party::Guest, None, cancelled_at).unwrap();
        let refund_krw = booking.cancellation.as_ref().unwrap().refund_krw;
        let refunds = amounts(&booking.refunds_of_cancellation());
        prop_assert_eq!(refunds.iter().sum::<i64>(), booking.charges.lowered_krw + refund_krw);
        prop_assert_eq!(refunds.len(), booking.charged().len());
        prop_assert!(refunded.iter().zip(&refunds).all(|(before, after)| before <= after));
        assert_legal(&booking);
    }
}
