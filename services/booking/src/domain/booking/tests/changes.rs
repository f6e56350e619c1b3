//! Steps of changes.

use rstest::rstest;

use super::*;
use crate::domain::booking_change::{ChangeKind, ChangeStatus, NewChange, Target};
use crate::domain::price::LongRentalDiscount;
use crate::domain::{BookingChange, ChangeRefusal};

pub(super) const PAY_WITHIN: Duration = Duration::from_hours(2);

/// From five hours on half price.
pub(super) fn rates(discount: bool) -> Rates {
    let half = LongRentalDiscount {
        min_hours: 5,
        percent: 50,
    };
    Rates {
        hourly_krw: 15_000,
        dated: Vec::new(),
        long_rental_discounts: discount.then_some(half).into_iter().collect(),
    }
}

pub(super) fn new_change(id: u128, target: Target) -> NewChange {
    NewChange {
        id: ChangeId(Uuid::from_u128(id)),
        requested_by: Party::Guest,
        target,
        rates: rates(false),
        message: None,
        respond_within: Duration::from_hours(24),
    }
}

pub(super) fn end(time: &str) -> Target {
    Target::End(at(time))
}

fn other_car() -> Target {
    Target::Vehicle {
        id: VehicleId(Uuid::from_u128(20)),
        snapshot: vec![1],
    }
}

/// Asks for a change as the guest, accepts it as the host, and captures what it costs.
pub(super) fn change_to(booking: &mut Booking, new: NewChange, now: DateTime<Utc>) -> BookingChange {
    let mut change = booking.request_change(new, now).unwrap();
    booking
        .accept_change(&mut change, Party::Host, None, PAY_WITHIN, now)
        .unwrap();
    if change.status == ChangeStatus::AwaitingPayment {
        booking.apply_paid_change(&mut change, now).unwrap();
    }
    assert_eq!(change.status, ChangeStatus::Applied);
    change
}

pub(super) fn amounts(shares: &[Share]) -> Vec<i64> {
    shares.iter().map(|share| share.amount_krw).collect()
}

#[rstest]
#[case(
    end("2026-12-01T15:00:00Z"),
    ChangeKind::Extension,
    90_000,
    "2026-11-23T12:00:00Z"
)]
#[case(
    end("2026-12-01T11:30:00Z"),
    ChangeKind::Shortening,
    37_500,
    "2026-11-23T12:00:00Z"
)]
#[case(other_car(), ChangeKind::VehicleSwap, 60_000, "2026-11-23T12:00:00Z")]
fn change_has_the_price_of_the_whole_new_period(
    #[case] target: Target,
    #[case] kind: ChangeKind,
    #[case] total_krw: i64,
    #[case] respond_by: &str,
) {
    let mut booking = booking(State::Confirmed);
    let change = booking.request_change(new_change(9, target), noon()).unwrap();
    assert_eq!((change.kind, change.price.total_krw), (kind, total_krw));
    assert_eq!(change.difference_krw, total_krw - 60_000);
    assert_eq!(change.respond_by, at(respond_by));
    assert_eq!(booking.open_change, Some(change.id));
    assert_eq!(booking.price.total_krw, 60_000);
}

#[rstest]
#[case(end("2026-12-01T15:00:00Z"), "2026-12-01T13:00:00Z")]
#[case(end("2026-12-01T11:00:00Z"), "2026-12-01T11:00:00Z")]
#[case(other_car(), "2026-12-01T09:00:00Z")]
fn change_is_answered_while_it_is_possible(#[case] target: Target, #[case] respond_by: &str) {
    let mut booking = booking(State::Confirmed);
    let change = booking
        .request_change(new_change(9, target), at("2026-12-01T08:30:00Z"))
        .unwrap();
    assert_eq!(change.respond_by, at(respond_by));
}

#[test]
fn change_is_asked_for_in_paid_states_only_and_another_car_before_the_start() {
    for state in [
        State::Pending,
        State::AwaitingPayment,
        State::Confirmed,
        State::Rejected,
        State::Active,
        State::Completed,
        State::Cancelled,
    ] {
        let ask = |target| booking(state).request_change(new_change(9, target), noon());
        let refused = ChangeRefusal::Booking(Refusal::WrongState {
            from: state.status(),
            to: Approved,
        });
        let is_end_possible = matches!(state, State::Confirmed | State::Active);
        let asked = ask(end("2026-12-01T15:00:00Z"));
        assert_eq!(asked.err(), (!is_end_possible).then_some(refused), "{state:?}");
        let asked = ask(other_car());
        assert_eq!(
            asked.err(),
            (state != State::Confirmed).then_some(refused),
            "{state:?}"
        );
    }
}

#[rstest]
#[case(
    end("2026-12-01T15:00:00Z"),
    "2026-12-01T13:00:00Z",
    ChangeRefusal::Booking(Refusal::TooLate)
)]
#[case(other_car(), "2026-12-01T09:00:00Z", ChangeRefusal::Booking(Refusal::TooLate))]
#[case(
    end("2026-12-01T13:00:00Z"),
    "2026-11-22T12:00:00Z",
    ChangeRefusal::WithoutEffect
)]
#[case(
    end("2026-12-01T13:00:00.0000004Z"),
    "2026-11-22T12:00:00Z",
    ChangeRefusal::WithoutEffect
)]
#[case(
    end("2026-12-01T09:59:59Z"),
    "2026-11-22T12:00:00Z",
    ChangeRefusal::PeriodInvalid
)]
#[case(
    end("2026-12-01T08:00:00Z"),
    "2026-11-22T12:00:00Z",
    ChangeRefusal::PeriodInvalid
)]
#[case(
    end("2026-12-31T09:00:01Z"),
    "2026-11-22T12:00:00Z",
    ChangeRefusal::PeriodInvalid
)]
#[case(
    end("2026-12-01T11:00:00Z"),
    "2026-12-01T11:00:00Z",
    ChangeRefusal::PeriodInvalid
)]
fn change_that_is_impossible_is_refused(
    #[case] target: Target,
    #[case] now: &str,
    #[case] refusal: ChangeRefusal,
) {
    let mut booking = booking(State::Confirmed);
    let before = booking.clone();
    let asked = booking.request_change(new_change(9, target), at(now));
    assert_eq!(asked, Err(refusal));
    assert_eq!(booking, before);
}

#[rstest]
#[case("2026-12-01T10:00:00Z")]
#[case("2026-12-31T09:00:00Z")]
fn rental_may_last_an_hour_to_thirty_days(#[case] time: &str) {
    let mut booking = booking(State::Confirmed);
    let _ = change_to(&mut booking, new_change(9, end(time)), noon());
    assert_eq!(booking.period.end(), at(time));
}

#[test]
fn same_car_is_no_change_and_a_second_change_waits_for_the_first() {
    let mut booking = booking(State::Confirmed);
    let same = Target::Vehicle {
        id: booking.vehicle_id,
        snapshot: Vec::new(),
    };
    assert_eq!(
        booking.request_change(new_change(9, same), noon()),
        Err(ChangeRefusal::WithoutEffect)
    );
    let mut first = booking
        .request_change(new_change(9, other_car()), noon())
        .unwrap();
    assert_eq!(
        booking.request_change(new_change(10, other_car()), noon()),
        Err(ChangeRefusal::Open)
    );
    booking.withdraw_change(&mut first, Party::Guest, noon()).unwrap();
    let _ = booking
        .request_change(new_change(10, other_car()), noon())
        .unwrap();
}

#[test]
fn change_is_answered_by_the_other_side_until_respond_by() {
    let mut booking = booking(State::Confirmed);
    let mut change = booking
        .request_change(new_change(9, end("2026-12-01T15:00:00Z")), noon())
        .unwrap();
    let before = (booking.clone(), change.clone());
    let accept = |booking: &mut Booking, change: &mut BookingChange, by, now| {
        booking.accept_change(change, by, None, PAY_WITHIN, now)
    };
    assert_eq!(
        accept(&mut booking, &mut change, Party::Guest, noon()),
        Err(ChangeRefusal::OwnChange)
    );
    assert_eq!(
        booking.decline_change(&mut change, Party::Guest, None, noon()),
        Err(ChangeRefusal::OwnChange)
    );
    assert_eq!(
        booking.withdraw_change(&mut change, Party::Host, noon()),
        Err(ChangeRefusal::NotYourChange)
    );
    let late = change.respond_by;
    let expired = Err(ChangeRefusal::Closed {
        status: ChangeStatus::Expired,
    });
    assert_eq!(accept(&mut booking, &mut change, Party::Host, late), expired);
    assert_eq!(
        booking.decline_change(&mut change, Party::Host, None, late),
        expired
    );
    assert_eq!(booking.withdraw_change(&mut change, Party::Guest, late), expired);
    assert_eq!((&booking, &change), (&before.0, &before.1));
    assert!(booking.pass_change_deadline(&mut change, late));
    assert_eq!(
        (change.status, booking.open_change),
        (ChangeStatus::Expired, None)
    );
}

#[test]
fn swap_replaces_the_car_and_keeps_the_price() {
    let mut booking = booking(State::Confirmed);
    let before = booking.clone();
    let _ = change_to(&mut booking, new_change(9, other_car()), noon());
    let expected = Booking {
        vehicle_id: VehicleId(Uuid::from_u128(20)),
        vehicle_snapshot: vec![1],
        ..before
    };
    assert_eq!(booking, expected);
    assert!(booking.charges.is_empty());
}

#[test]
fn open_change_of_an_ended_booking_is_cancelled_at_once() {
    let mut booking = booking(State::Confirmed);
    let mut change = booking
        .request_change(new_change(9, other_car()), noon())
        .unwrap();
    assert!(!booking.pass_change_deadline(&mut change, noon()));
    // As an earlier release does it.
    let _ = booking.cancel(Party::Host, None, noon()).unwrap();
    assert!(booking.pass_change_deadline(&mut change, noon()));
    assert_eq!(
        (change.status, booking.open_change),
        (ChangeStatus::Cancelled, None)
    );
    assert!(!booking.pass_change_deadline(&mut change, noon()));
}
