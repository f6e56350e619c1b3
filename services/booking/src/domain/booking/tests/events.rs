//! External events and deadlines.

use CancellationReason::{Expired, HoldLost, NoShow, PaymentOverdue};
use proptest::prelude::*;
use rstest::rstest;
use strum::VariantArray as _;

use super::*;

#[test]
fn every_event_in_every_state_leaves_a_legal_booking() {
    for event in ExternalEvent::VARIANTS {
        for state in State::VARIANTS {
            let mut booking = booking(*state);
            let _ = booking.apply(*event, noon());
            assert_legal(&booking);
        }
    }
}

#[test]
fn capture_after_a_cancellation_is_refunded_in_full() {
    let mut booking = booking(State::AwaitingPayment);
    // So late that the policy would give nothing.
    let _ = booking
        .cancel(Party::Guest, None, booking.period.start() + TimeDelta::seconds(1))
        .unwrap();
    let change = booking.apply(ExternalEvent::Captured, noon()).unwrap();
    assert_eq!(
        change,
        Change {
            from: Cancelled,
            event: None,
            reason: None
        }
    );
    assert_eq!(booking.payment_status, PaymentStatus::Paid);
    assert_eq!(booking.cancellation.as_ref().unwrap().refund_krw, 60_000);
    assert_eq!(booking.confirmed_at, None);
    let _ = booking.apply(ExternalEvent::Refunded, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Refunded);
}

#[test]
fn deadlines_act_at_their_time_and_not_before() {
    let mut unanswered = booking(State::Pending);
    assert_eq!(unanswered.pass_deadline(at("2026-11-23T11:59:59Z")), None);
    let change = unanswered.pass_deadline(at("2026-11-23T12:00:00Z")).unwrap();
    assert_eq!(
        change,
        Change {
            from: Pending,
            event: Some(Event::Expired),
            reason: Some("expired")
        }
    );
    assert_eq!(unanswered.cancellation.unwrap().reason, Expired);

    let mut unpaid = booking(State::AwaitingPayment);
    assert_eq!(unpaid.pass_deadline(at("2026-11-22T13:59:59Z")), None);
    let change = unpaid.pass_deadline(at("2026-11-22T14:00:00Z")).unwrap();
    assert_eq!(
        change,
        Change {
            from: Approved,
            event: Some(Event::Cancelled),
            reason: Some("payment_overdue")
        }
    );
    assert_eq!(unpaid.cancellation.unwrap().reason, PaymentOverdue);
}

#[test]
fn lost_hold_refunds_what_was_captured() {
    let mut paid = booking(State::Confirmed);
    let _ = paid.apply(ExternalEvent::HoldLost, noon()).unwrap();
    let cancellation = paid.cancellation.unwrap();
    assert_eq!((cancellation.reason, cancellation.refund_krw), (HoldLost, 60_000));
}

fn state() -> impl Strategy<Value = State> {
    prop::sample::select(State::VARIANTS)
}

fn events() -> impl Strategy<Value = Vec<ExternalEvent>> {
    prop::collection::vec(prop::sample::select(ExternalEvent::VARIANTS), 0..12)
}

proptest! {
    #[test]
    fn events_in_any_order_leave_a_legal_booking(state in state(), events in events()) {
        let mut booking = booking(state);
        for event in events {
            let before = booking.clone();
            let change = booking.apply(event, noon());
            prop_assert_eq!(change.is_none(), booking == before, "{:?}", event);
            prop_assert!(booking.payment_status >= before.payment_status);
            assert_legal(&booking);
            prop_assert_eq!(booking.apply(event, noon()), None, "{:?} twice", event);
        }
    }

    #[test]
    fn order_of_payment_events_does_not_matter_to_a_cancelled_booking(order in Just([ExternalEvent::Captured, ExternalEvent::Declined, ExternalEvent::Refunded]).prop_shuffle()) {
        let mut booking = booking(State::Cancelled);
        for event in order {
            let _ = booking.apply(event, noon());
        }
        prop_assert_eq!(booking.payment_status, PaymentStatus::Refunded);
    }
}

#[test]
fn confirmed_booking_that_is_not_started_ends_without_refund() {
    let mut booking = booking(State::Confirmed);
    assert_eq!(booking.pass_deadline(at("2026-12-01T12:59:59Z")), None);
    let change = booking.pass_deadline(booking.period.end()).unwrap();
    assert_eq!((change.from, change.event), (Approved, Some(Event::Cancelled)));
    let cancellation = booking.cancellation.unwrap();
    assert_eq!((cancellation.reason, cancellation.refund_krw), (NoShow, 0));
}

#[test]
fn overdue_rental_is_completed_a_day_after_its_end() {
    let mut booking = booking(State::Active);
    assert_eq!(booking.pass_deadline(at("2026-12-02T12:59:59Z")), None);
    let change = booking.pass_deadline(at("2026-12-02T13:00:00Z")).unwrap();
    assert_eq!((change.from, change.event), (Active, Some(Event::Completed)));
    assert_eq!(booking.status, Completed);
}

#[test]
fn capture_that_becomes_known_after_the_period_is_refunded_in_full() {
    let mut booking = booking(State::AwaitingPayment);
    let change = booking.apply_capture(booking.period.end()).unwrap();
    assert_eq!(change.event, Some(Event::Cancelled));
    let cancellation = booking.cancellation.unwrap();
    assert_eq!(
        (cancellation.reason, cancellation.refund_krw),
        (PaymentOverdue, 60_000)
    );
}

#[rstest]
#[case(State::Confirmed)]
#[case(State::Active)]
#[case(State::Completed)]
fn partial_refund_changes_the_total_and_nothing_else(#[case] state: State) {
    let mut booking = booking(state);
    let before = booking.clone();
    let change = booking.apply_refund(1_000, 60_000, noon()).unwrap();
    assert_eq!((change.from, change.event), (before.status, None));
    let expected = Booking {
        refunded_krw: 1_000,
        updated_at: noon(),
        ..before
    };
    assert_eq!(booking, expected);
    assert_eq!(booking.apply_refund(1_000, 60_000, noon()), None);
    assert_eq!(booking.apply_refund(500, 60_000, noon()), None);
    let _ = booking.apply_refund(60_000, 60_000, noon()).unwrap();
    assert_eq!(
        (booking.payment_status, booking.refunded_krw),
        (PaymentStatus::Refunded, 60_000)
    );
    assert_eq!(booking.status == Cancelled, state == State::Confirmed);
}

#[test]
fn refund_of_a_cancelled_booking_is_complete_when_it_covers_what_is_owed() {
    let mut booking = booking(State::Confirmed);
    let _ = booking
        .cancel(Party::Guest, None, at("2026-12-01T06:00:00Z"))
        .unwrap();
    let _ = booking.apply_refund(10_000, 60_000, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Paid);
    let _ = booking.apply_refund(54_000, 60_000, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Refunded);
}
