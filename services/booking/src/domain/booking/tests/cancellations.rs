//! Cancellations: what they refund, and what is quoted before.

use rstest::rstest;

use super::*;
use crate::domain::policy::Step;
use crate::domain::policy::tests::step;

#[rstest]
#[case(Party::Guest, "2026-11-30T09:00:00Z", 60_000)]
#[case(Party::Guest, "2026-11-30T09:00:00.000001Z", 54_000)]
#[case(Party::Guest, "2026-12-01T09:00:00Z", 54_000)]
#[case(Party::Guest, "2026-12-01T09:00:00.000001Z", 0)]
#[case(Party::Guest, "2026-12-01T10:00:00Z", 0)]
#[case(Party::Host, "2026-12-01T08:59:59Z", 60_000)]
fn cancel_refunds_by_party_and_policy(#[case] by: Party, #[case] now: &str, #[case] refund_krw: i64) {
    let mut booking = booking(State::Confirmed);
    let change = booking
        .cancel(by, Some("사정이 생겼어요".to_owned()), at(now))
        .unwrap();
    assert_eq!(
        change,
        Change {
            from: Approved,
            event: Some(Event::Cancelled),
            reason: Some(if by == Party::Guest { "guest" } else { "host" })
        }
    );
    let reason = match by {
        Party::Guest => CancellationReason::Guest,
        Party::Host => CancellationReason::Host,
    };
    let message = Some("사정이 생겼어요".to_owned());
    assert_eq!(
        booking.cancellation,
        Some(Cancellation {
            reason,
            message,
            refund_krw,
            cancelled_at: at(now)
        })
    );
    assert_eq!(booking.payment_status, PaymentStatus::Paid);
}

#[rstest]
#[case(State::Pending)]
#[case(State::AwaitingPayment)]
fn cancel_before_a_capture_refunds_nothing(#[case] state: State) {
    let mut booking = booking(state);
    let _ = booking.cancel(Party::Guest, None, noon()).unwrap();
    assert_eq!(booking.cancellation.unwrap().refund_krw, 0);
}

#[rstest]
#[case(
    State::Pending,
    Party::Guest,
    "2026-11-22T12:00:00Z",
    0,
    0,
    None,
    "2026-11-23T12:00:00Z"
)]
#[case(
    State::AwaitingPayment,
    Party::Host,
    "2026-11-22T12:00:00Z",
    0,
    0,
    None,
    "2026-11-22T14:00:00Z"
)]
#[case(
    State::Confirmed,
    Party::Guest,
    "2026-11-30T09:00:00Z",
    60_000,
    0,
    Some(step(86_400, 10_000)),
    "2026-11-30T09:00:00Z"
)]
#[case(
    State::Confirmed,
    Party::Guest,
    "2026-11-30T09:00:01Z",
    54_000,
    6_000,
    Some(step(0, 9_000)),
    "2026-12-01T09:00:00Z"
)]
#[case(
    State::Confirmed,
    Party::Guest,
    "2026-12-01T09:00:01Z",
    0,
    60_000,
    None,
    "2026-12-01T13:00:00Z"
)]
#[case(
    State::Confirmed,
    Party::Host,
    "2026-12-01T09:00:01Z",
    60_000,
    0,
    None,
    "2026-12-01T13:00:00Z"
)]
fn quote_of_a_cancellation_is_what_it_refunds(
    #[case] state: State,
    #[case] by: Party,
    #[case] now: &str,
    #[case] refund_krw: i64,
    #[case] kept_krw: i64,
    #[case] step: Option<Step>,
    #[case] valid_until: &str,
) {
    let mut booking = booking(state);
    let is_late = at(now) > at("2026-11-30T09:00:00Z");
    let is_compensated = by == Party::Host && refund_krw > 0 && is_late;
    let expected = CancellationQuote {
        refund_krw,
        kept_krw,
        step,
        compensation_krw: if is_compensated { 6_000 } else { 0 },
        valid_until: at(valid_until),
    };
    assert_eq!(booking.quote_cancellation(by, at(now)), Ok(expected));
    let _ = booking.cancel(by, None, at(now)).unwrap();
    assert_eq!(booking.cancellation.unwrap().refund_krw, refund_krw);
}

#[test]
fn cancellation_that_is_refused_is_not_quoted() {
    for state in [State::Rejected, State::Active, State::Completed, State::Cancelled] {
        let booking = booking(state);
        let refused = booking.clone().cancel(Party::Guest, None, noon()).unwrap_err();
        assert_eq!(booking.quote_cancellation(Party::Guest, noon()), Err(refused));
    }
}

/// The price is 60,000 won, the start 09:00 on 1 December.
#[rstest]
#[case(State::Confirmed, Party::Host, "2026-11-30T09:00:00Z", 0)]
#[case(State::Confirmed, Party::Host, "2026-11-30T09:00:01Z", 6_000)]
#[case(State::Confirmed, Party::Host, "2026-12-01T10:00:00Z", 6_000)]
#[case(State::Confirmed, Party::Guest, "2026-11-30T09:00:01Z", 0)]
#[case(State::AwaitingPayment, Party::Host, "2026-11-30T09:00:01Z", 0)]
fn host_who_cancels_a_paid_booking_at_short_notice_compensates_the_guest(
    #[case] state: State,
    #[case] by: Party,
    #[case] now: &str,
    #[case] compensation_krw: i64,
) {
    let mut booking = booking(state);
    assert_eq!(booking.compensation_krw(), 0);
    let _ = booking.cancel(by, None, at(now)).unwrap();
    assert_eq!(booking.compensation_krw(), compensation_krw);
}
