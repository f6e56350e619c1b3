//! Coupons of bookings that are changed or end.

use rstest::rstest;

use super::changes::{PAY_WITHIN, change_to, end, new_change, rates};
use super::*;
use crate::domain::price::CouponTerms;
use CouponTerms::{HostAmount, HostPercent, PlatformAmount};

/// Longer and shorter ends of a rental from 09:00 to 13:00, for 90,000 and 37,500 won instead of 60,000.
const LONGER: &str = "2026-12-01T15:00:00Z";
const SHORTER: &str = "2026-12-01T11:30:00Z";

fn with_coupon(state: State, terms: CouponTerms) -> Booking {
    let mut booking = booking(state);
    booking.price = Price::quote(&booking.period, &rates(false), Some(terms)).unwrap();
    booking
}

#[rstest]
#[case(HostPercent(10), LONGER, 27_000, 81_000, 12_150)]
#[case(HostPercent(10), SHORTER, -20_250, 33_750, 5_063)] // 5062.5
#[case(HostAmount(10_000), LONGER, 30_000, 80_000, 12_000)]
#[case(HostAmount(10_000), SHORTER, -22_500, 27_500, 4_125)]
#[case(HostAmount(50_000), SHORTER, -9_999, 1, 0)]
#[case(PlatformAmount(5_000), LONGER, 30_000, 85_000, 8_500)]
#[case(PlatformAmount(5_000), SHORTER, -22_500, 32_500, 625)]
// The coupon is the fee: 9,000 of the price, 5,625 of the shorter one.
#[case(PlatformAmount(20_000), LONGER, 30_000, 81_000, 4_500)]
#[case(PlatformAmount(20_000), SHORTER, -19_125, 31_875, 0)]
fn change_keeps_the_coupon(
    #[case] terms: CouponTerms,
    #[case] to: &str,
    #[case] difference: i64,
    #[case] total: i64,
    #[case] fee: i64,
) {
    let mut booking = with_coupon(State::Confirmed, terms);
    let change = change_to(&mut booking, new_change(100, end(to)), noon());
    assert_eq!(change.difference_krw, difference);
    assert_eq!(
        (booking.price.total_krw, booking.price.platform_fee_krw),
        (total, fee)
    );
}

#[test]
fn coupon_that_a_shorter_rental_has_lowered_stays_lower() {
    let mut booking = with_coupon(State::Confirmed, PlatformAmount(9_000));
    change_to(&mut booking, new_change(100, end(SHORTER)), noon());
    assert_eq!(booking.price.coupon(), Some(PlatformAmount(5_625)));
    change_to(&mut booking, new_change(101, end(LONGER)), noon());
    assert_eq!(booking.price.coupon(), Some(PlatformAmount(5_625)));
    assert_eq!(booking.price.total_krw, 84_375);
}

/// A command, or an external event.
#[derive(Clone, Copy)]
enum Step {
    Command(Command),
    Event(ExternalEvent),
}

fn take(booking: &mut Booking, step: Step) -> Change {
    let taken = match step {
        Step::Event(event) => return booking.apply(event, noon()).unwrap(),
        Step::Command(Command::Approve) => booking.approve(None, PAY_WITHIN, noon()),
        Step::Command(Command::Reject) => booking.reject(None, noon()),
        Step::Command(Command::Cancel(by)) => booking.cancel(by, None, noon()),
        Step::Command(Command::Start) => booking.start(booking.period.start()),
        Step::Command(Command::Complete) => booking.complete(booking.period.end()),
    };
    taken.unwrap()
}

#[rstest]
#[case(State::Pending, Step::Command(Command::Reject), true)]
#[case(State::Pending, Step::Command(Command::Cancel(Party::Guest)), true)]
#[case(State::Pending, Step::Event(ExternalEvent::Unanswered), true)]
#[case(State::Pending, Step::Event(ExternalEvent::HoldLost), true)]
#[case(State::Pending, Step::Command(Command::Approve), false)]
#[case(State::AwaitingPayment, Step::Command(Command::Cancel(Party::Guest)), true)]
#[case(State::AwaitingPayment, Step::Command(Command::Cancel(Party::Host)), true)]
#[case(State::AwaitingPayment, Step::Event(ExternalEvent::Unpaid), true)]
#[case(State::AwaitingPayment, Step::Event(ExternalEvent::CapturedTooLate), true)]
#[case(State::AwaitingPayment, Step::Event(ExternalEvent::Declined), true)]
#[case(State::AwaitingPayment, Step::Event(ExternalEvent::Captured), false)]
#[case(State::Confirmed, Step::Command(Command::Cancel(Party::Guest)), false)]
#[case(State::Confirmed, Step::Command(Command::Cancel(Party::Host)), true)]
#[case(State::Confirmed, Step::Event(ExternalEvent::NotStarted), false)]
#[case(State::Confirmed, Step::Event(ExternalEvent::HoldLost), true)]
#[case(State::Confirmed, Step::Event(ExternalEvent::Refunded), true)]
#[case(State::Confirmed, Step::Command(Command::Start), false)]
#[case(State::Active, Step::Command(Command::Complete), false)]
fn end_releases_the_coupon_unless_the_guest_has_used_it(
    #[case] state: State,
    #[case] step: Step,
    #[case] expected: bool,
) {
    let mut booking = with_coupon(state, HostPercent(10));
    let change = take(&mut booking, step);
    assert_eq!(booking.releases_coupon(change.from), expected);
    // A later event of the payment keeps the status.
    assert!(!booking.releases_coupon(booking.status));
    booking.price = Price::quote(&booking.period, &rates(false), None).unwrap();
    assert!(!booking.releases_coupon(change.from));
}
