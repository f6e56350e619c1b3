//! What the transitions write into a booking.

mod cancellations;
mod changes;
mod charges;
mod events;
mod redemptions;
mod requests;

use Status::{Active, Approved, Cancelled, Completed, Pending, Rejected};
use uuid::Uuid;

use super::*;
use crate::domain::ExternalEvent;
use crate::domain::policy::tests::platform;
use crate::domain::price::Rates;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Requested on 22 November at noon for 1 December, 09:00 to 13:00.
fn noon() -> DateTime<Utc> {
    at("2026-11-22T12:00:00Z")
}

fn pending() -> Booking {
    let period = Period::new(at("2026-12-01T09:00:00Z"), at("2026-12-01T13:00:00Z")).unwrap();
    let rates = Rates {
        hourly_krw: 15_000,
        dated: Vec::new(),
        long_rental_discounts: Vec::new(),
    };
    let request = NewBooking {
        id: BookingId(Uuid::from_u128(1)),
        vehicle_id: VehicleId(Uuid::from_u128(2)),
        guest_id: UserId(Uuid::from_u128(3)),
        host_id: UserId(Uuid::from_u128(4)),
        period,
        price: Price::quote(&period, &rates, None).unwrap(),
        policy: Some(platform()),
        vehicle_snapshot: Vec::new(),
        guest_message: Some("안녕하세요".to_owned()),
        respond_within: Duration::from_hours(24),
    };
    Booking::request(request, noon())
}

/// Brings a booking into a state by transitions.
pub(in crate::domain) fn booking(state: State) -> Booking {
    let mut booking = pending();
    let approve = |booking: &mut Booking| {
        let _ = booking.approve(None, Duration::from_hours(2), noon()).unwrap();
    };
    let confirm = |booking: &mut Booking| {
        approve(booking);
        let _ = booking.apply(ExternalEvent::Captured, noon()).unwrap();
    };
    let start = |booking: &mut Booking| {
        confirm(booking);
        let _ = booking.start(booking.period.start()).unwrap();
    };
    match state {
        State::Pending => {}
        State::AwaitingPayment => approve(&mut booking),
        State::Confirmed => confirm(&mut booking),
        State::Rejected => {
            let _ = booking.reject(None, noon()).unwrap();
        }
        State::Active => start(&mut booking),
        State::Completed => {
            start(&mut booking);
            let _ = booking.complete(booking.period.end()).unwrap();
        }
        State::Cancelled => {
            let _ = booking.cancel(Party::Guest, None, noon()).unwrap();
        }
    }
    assert_eq!(booking.state(), state);
    booking
}

/// Asserts the invariants of every booking.
fn assert_legal(booking: &Booking) {
    assert_eq!(
        booking.status == Cancelled,
        booking.cancellation.is_some(),
        "{booking:?}"
    );
    if booking.status == Pending || booking.status == Rejected {
        assert_eq!(booking.payment_status, PaymentStatus::None, "{booking:?}");
    }
    if booking.status == Approved {
        assert_eq!(
            booking.payment_status == PaymentStatus::Paid,
            booking.confirmed_at.is_some(),
            "{booking:?}"
        );
        assert!(
            matches!(
                booking.payment_status,
                PaymentStatus::Pending | PaymentStatus::Paid
            ),
            "{booking:?}"
        );
    }
    if booking.status == Active || booking.status == Completed {
        assert!(
            booking.confirmed_at.is_some() && booking.payment_status >= PaymentStatus::Paid,
            "{booking:?}"
        );
    }
    let refund = booking
        .cancellation
        .as_ref()
        .map_or(0, |cancellation| cancellation.refund_krw);
    assert!((0..=booking.price.total_krw).contains(&refund), "{booking:?}");
}

#[test]
fn approve_sets_the_payment_due_in_two_hours_or_at_the_start() {
    let mut booking = pending();
    let change = booking
        .approve(Some("환영합니다".to_owned()), Duration::from_hours(2), noon())
        .unwrap();
    assert_eq!(
        change,
        Change {
            from: Pending,
            event: Some(Event::Approved),
            reason: None
        }
    );
    assert_eq!(
        (booking.status, booking.payment_status),
        (Approved, PaymentStatus::Pending)
    );
    assert_eq!(booking.payment_due_at, Some(at("2026-11-22T14:00:00Z")));
    assert_eq!(booking.host_response.as_deref(), Some("환영합니다"));

    let mut late = pending();
    late.respond_by = late.period.start();
    let _ = late
        .approve(None, Duration::from_hours(2), at("2026-12-01T08:00:00Z"))
        .unwrap();
    assert_eq!(late.payment_due_at, Some(late.period.start()));
}

#[test]
fn approve_at_respond_by_is_refused_before_the_timer_ran() {
    let mut booking = pending();
    let before = booking.clone();
    let refused = booking.approve(None, Duration::from_hours(2), booking.respond_by);
    assert_eq!(
        refused,
        Err(Refusal::WrongState {
            from: Cancelled,
            to: Approved
        })
    );
    assert_eq!(booking, before);
}

#[test]
fn start_is_allowed_from_thirty_minutes_before_the_period() {
    let mut booking = booking(State::Confirmed);
    assert_eq!(
        booking.start(at("2026-12-01T08:29:59.999999Z")),
        Err(Refusal::TooEarly)
    );
    let change = booking.start(at("2026-12-01T08:30:00Z")).unwrap();
    assert_eq!(
        change,
        Change {
            from: Approved,
            event: Some(Event::Started),
            reason: None
        }
    );
    assert_eq!(booking.status, Active);
}

#[test]
fn start_reports_wrong_state_and_not_paid_before_too_early() {
    assert_eq!(
        booking(State::AwaitingPayment).start(noon()),
        Err(Refusal::NotPaid)
    );
    assert_eq!(
        booking(State::Pending).start(noon()),
        Err(Refusal::WrongState {
            from: Pending,
            to: Active
        })
    );
}

#[test]
fn start_and_cancel_are_refused_from_the_end_of_the_period() {
    let mut booking = booking(State::Confirmed);
    let before = booking.clone();
    let end = booking.period.end();
    assert_eq!(booking.start(end), Err(Refusal::TooLate));
    for party in [Party::Guest, Party::Host] {
        assert_eq!(booking.cancel(party, None, end), Err(Refusal::TooLate));
    }
    assert_eq!(booking, before);
    let _ = booking.start(end - TimeDelta::microseconds(1)).unwrap();
}

#[test]
fn party_is_found_by_user_id() {
    let booking = pending();
    assert_eq!(booking.party(booking.guest_id), Some(Party::Guest));
    assert_eq!(booking.party(booking.host_id), Some(Party::Host));
    assert_eq!(booking.party(UserId(Uuid::from_u128(9))), None);
}
