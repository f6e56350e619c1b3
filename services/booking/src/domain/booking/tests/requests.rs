//! Requests, and until when they are answered.

use std::time::Duration;

use rstest::rstest;

use super::*;

#[test]
fn request_expires_after_a_day_or_an_hour_before_the_start() {
    let booking = pending();
    assert_eq!(
        (booking.status, booking.payment_status),
        (Pending, PaymentStatus::None)
    );
    assert_eq!(
        (booking.price.total_krw, booking.price.platform_fee_krw),
        (60_000, 9_000)
    );
    assert_eq!(booking.respond_by, at("2026-11-23T12:00:00Z"));
    let period = Period::new(at("2026-11-22T15:00:00Z"), at("2026-11-22T17:00:00Z")).unwrap();
    let request = NewBooking {
        id: booking.id,
        vehicle_id: booking.vehicle_id,
        guest_id: booking.guest_id,
        host_id: booking.host_id,
        period,
        price: booking.price,
        policy: None,
        vehicle_snapshot: Vec::new(),
        guest_message: None,
        respond_within: Duration::from_hours(24),
    };
    let soon = Booking::request(request, noon());
    assert_eq!(soon.respond_by, at("2026-11-22T14:00:00Z"));
}

#[rstest]
#[case::far_away("2026-12-01T09:00:00Z", "2026-11-23T12:00:00Z")]
#[case::tomorrow("2026-11-23T12:30:00Z", "2026-11-23T11:30:00Z")]
#[case::in_two_hours("2026-11-22T14:00:00Z", "2026-11-22T13:00:00Z")]
#[case::in_ninety_minutes("2026-11-22T13:30:00Z", "2026-11-22T12:30:00Z")]
#[case::in_an_hour("2026-11-22T13:00:00Z", "2026-11-22T12:30:00Z")]
#[case::in_ten_minutes("2026-11-22T12:10:00Z", "2026-11-22T12:10:00Z")]
fn host_has_a_day_but_until_an_hour_before_the_start(#[case] start: &str, #[case] expected: &str) {
    let answered_by = respond_by(noon(), Duration::from_hours(24), at(start));
    assert_eq!(answered_by, at(expected));
}

#[test]
fn instant_booking_is_approved_and_says_why() {
    let mut booking = pending();
    let change = booking
        .approve_instantly(Duration::from_hours(2), noon())
        .unwrap();
    assert_eq!(
        change,
        Change {
            from: Pending,
            event: Some(Event::Approved),
            reason: Some("instant_book")
        }
    );
    assert_eq!(booking.payment_due_at, Some(at("2026-11-22T14:00:00Z")));
}
