//! The tables, pair by pair, and what the transitions write into a booking.

use std::time::Duration;

use CancellationReason::{Expired, HoldLost, PaymentFailed, PaymentOverdue};
use Status::{Active, Approved, Cancelled, Completed, Pending, Rejected};
use proptest::prelude::*;
use rstest::rstest;
use uuid::Uuid;

use super::*;

const STAGES: [State; 7] = [
    State::Pending,
    State::AwaitingPayment,
    State::Confirmed,
    State::Rejected,
    State::Active,
    State::Completed,
    State::Cancelled,
];
const NEWS: [ExternalEvent; 6] = [
    ExternalEvent::Unanswered,
    ExternalEvent::Unpaid,
    ExternalEvent::Captured,
    ExternalEvent::Declined,
    ExternalEvent::Refunded,
    ExternalEvent::HoldLost,
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Requested on 22 November at noon for 1 December, 09:00 to 13:00.
fn noon() -> DateTime<Utc> {
    at("2026-11-22T12:00:00Z")
}

fn pending() -> Booking {
    let period = Period::new(at("2026-12-01T09:00:00Z"), at("2026-12-01T13:00:00Z")).unwrap();
    let request = Request {
        id: BookingId(Uuid::from_u128(1)),
        vehicle_id: VehicleId(Uuid::from_u128(2)),
        guest_id: UserId(Uuid::from_u128(3)),
        host_id: UserId(Uuid::from_u128(4)),
        period,
        price: Price::quote(&period, 15_000).unwrap(),
        vehicle_snapshot: Vec::new(),
        guest_message: Some("안녕하세요".to_owned()),
        respond_within: Duration::from_hours(24),
    };
    Booking::request(request, noon()).0
}

/// A booking brought to a state by the transitions themselves.
fn booking(state: State) -> Booking {
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

/// What must hold of every booking, whatever happened to it.
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

/// One row an ask, one column a state in the order of [`STAGES`]: the status it leads to, or the refusal.
#[rstest]
#[case(Command::Approve, [Some(Approved), None, None, None, None, None, None])]
#[case(Command::Reject, [Some(Rejected), None, None, None, None, None, None])]
#[case(Command::Cancel(Party::Guest), [Some(Cancelled), Some(Cancelled), Some(Cancelled), None, None, None, None])]
#[case(Command::Cancel(Party::Host), [None, Some(Cancelled), Some(Cancelled), None, None, None, None])]
#[case(Command::Start, [None, None, Some(Active), None, None, None, None])]
#[case(Command::Complete, [None, None, None, None, Some(Completed), None, None])]
fn every_ask_at_every_stage(#[case] ask: Command, #[case] expected: [Option<Status>; 7]) {
    for (state, expected) in STAGES.into_iter().zip(expected) {
        let refusal = match (ask, state) {
            (Command::Start, State::AwaitingPayment) => Refusal::NotPaid,
            _ => Refusal::WrongState {
                from: state.status(),
                to: ask.target(),
            },
        };
        assert_eq!(
            transition(ask, state),
            expected.ok_or(refusal),
            "{ask:?} at {state:?}"
        );
    }
}

const NOTHING: Reaction = Reaction::Ignore;
const SETTLE: Reaction = Reaction::Settle;

/// One row a piece of news, one column a state in the order of [`STAGES`].
#[rstest]
#[case(ExternalEvent::Unanswered, [Reaction::Cancel(Expired), NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING])]
#[case(ExternalEvent::Unpaid, [NOTHING, Reaction::Cancel(PaymentOverdue), NOTHING, NOTHING, NOTHING, NOTHING, NOTHING])]
#[case(ExternalEvent::Captured, [NOTHING, Reaction::Confirm, SETTLE, NOTHING, SETTLE, SETTLE, SETTLE])]
#[case(ExternalEvent::Declined, [NOTHING, Reaction::Cancel(PaymentFailed), SETTLE, NOTHING, SETTLE, SETTLE, SETTLE])]
#[case(ExternalEvent::Refunded, [NOTHING, Reaction::Cancel(PaymentFailed), Reaction::Cancel(PaymentFailed), NOTHING, SETTLE, SETTLE, SETTLE])]
#[case(ExternalEvent::HoldLost, [Reaction::Cancel(HoldLost), Reaction::Cancel(HoldLost), Reaction::Cancel(HoldLost), NOTHING, NOTHING, NOTHING, NOTHING])]
fn every_news_at_every_stage(#[case] news: ExternalEvent, #[case] expected: [Reaction; 7]) {
    for (state, expected) in STAGES.into_iter().zip(expected) {
        assert_eq!(reaction(news, state), expected, "{news:?} at {state:?}");
        let mut heard = booking(state);
        let _ = heard.apply(news, noon());
        assert_legal(&heard);
    }
}

#[test]
fn a_request_waits_for_the_host_for_a_day_or_until_the_start() {
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
    let request = Request {
        id: booking.id,
        vehicle_id: booking.vehicle_id,
        guest_id: booking.guest_id,
        host_id: booking.host_id,
        period,
        price: booking.price,
        vehicle_snapshot: Vec::new(),
        guest_message: None,
        respond_within: Duration::from_hours(24),
    };
    let (soon, change) = Booking::request(request, noon());
    assert_eq!(soon.respond_by, period.start());
    assert_eq!(
        change,
        Change {
            from: None,
            event: Some(Event::Requested)
        }
    );
}

#[test]
fn approve_makes_the_money_due_in_two_hours_or_at_the_start() {
    let mut booking = pending();
    let change = booking
        .approve(Some("환영합니다".to_owned()), Duration::from_hours(2), noon())
        .unwrap();
    assert_eq!(
        change,
        Change {
            from: Some(Pending),
            event: Some(Event::Approved)
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
fn approve_comes_too_late_at_respond_by_even_before_the_timer_ran() {
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

#[rstest]
#[case(Party::Guest, "2026-11-30T09:00:00Z", 60_000)]
#[case(Party::Guest, "2026-11-30T09:00:00.000001Z", 30_000)]
#[case(Party::Guest, "2026-12-01T06:00:00Z", 30_000)]
#[case(Party::Guest, "2026-12-01T06:00:00.000001Z", 0)]
#[case(Party::Guest, "2026-12-01T10:00:00Z", 0)]
#[case(Party::Host, "2026-12-01T08:59:59Z", 60_000)]
fn cancel_gives_back_what_the_policy_says(#[case] by: Party, #[case] now: &str, #[case] refund_krw: i64) {
    let mut booking = booking(State::Confirmed);
    let change = booking
        .cancel(by, Some("사정이 생겼어요".to_owned()), at(now))
        .unwrap();
    assert_eq!(
        change,
        Change {
            from: Some(Approved),
            event: Some(Event::Cancelled)
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
fn cancel_before_a_capture_owes_nothing(#[case] state: State) {
    let mut booking = booking(state);
    let _ = booking.cancel(Party::Guest, None, noon()).unwrap();
    assert_eq!(booking.cancellation.unwrap().refund_krw, 0);
}

#[test]
fn a_capture_behind_a_cancellation_is_given_back_whole() {
    let mut booking = booking(State::AwaitingPayment);
    // So late that the policy would give nothing.
    let _ = booking
        .cancel(Party::Guest, None, booking.period.start())
        .unwrap();
    let change = booking.apply(ExternalEvent::Captured, noon()).unwrap();
    assert_eq!(
        change,
        Change {
            from: Some(Cancelled),
            event: None
        }
    );
    assert_eq!(booking.payment_status, PaymentStatus::Paid);
    assert_eq!(booking.cancellation.as_ref().unwrap().refund_krw, 60_000);
    assert_eq!(booking.confirmed_at, None);
    let _ = booking.apply(ExternalEvent::Refunded, noon()).unwrap();
    assert_eq!(booking.payment_status, PaymentStatus::Refunded);
}

#[test]
fn start_opens_thirty_minutes_before_the_start() {
    let mut booking = booking(State::Confirmed);
    assert_eq!(
        booking.start(at("2026-12-01T08:29:59.999999Z")),
        Err(Refusal::TooEarly)
    );
    let change = booking.start(at("2026-12-01T08:30:00Z")).unwrap();
    assert_eq!(
        change,
        Change {
            from: Some(Approved),
            event: Some(Event::Started)
        }
    );
    assert_eq!(booking.status, Active);
}

#[test]
fn start_says_wrong_state_and_not_paid_before_too_early() {
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
fn timers_do_nothing_before_their_time() {
    let mut unanswered = booking(State::Pending);
    assert_eq!(unanswered.expire(at("2026-11-23T11:59:59Z")), None);
    let change = unanswered.expire(at("2026-11-23T12:00:00Z")).unwrap();
    assert_eq!(
        change,
        Change {
            from: Some(Pending),
            event: Some(Event::Expired)
        }
    );
    assert_eq!(unanswered.cancellation.unwrap().reason, Expired);

    let mut unpaid = booking(State::AwaitingPayment);
    assert_eq!(unpaid.miss_payment(at("2026-11-22T13:59:59Z")), None);
    let change = unpaid.miss_payment(at("2026-11-22T14:00:00Z")).unwrap();
    assert_eq!(
        change,
        Change {
            from: Some(Approved),
            event: Some(Event::Cancelled)
        }
    );
    assert_eq!(unpaid.cancellation.unwrap().reason, PaymentOverdue);
    assert_eq!(
        booking(State::Pending).miss_payment(at("2027-01-01T00:00:00Z")),
        None
    );
}

#[test]
fn a_lost_hold_gives_back_what_was_captured() {
    let mut paid = booking(State::Confirmed);
    let _ = paid.apply(ExternalEvent::HoldLost, noon()).unwrap();
    let cancellation = paid.cancellation.unwrap();
    assert_eq!((cancellation.reason, cancellation.refund_krw), (HoldLost, 60_000));
}

#[test]
fn a_party_is_known_by_its_id() {
    let booking = pending();
    assert_eq!(booking.party(booking.guest_id), Some(Party::Guest));
    assert_eq!(booking.party(booking.host_id), Some(Party::Host));
    assert_eq!(booking.party(UserId(Uuid::from_u128(9))), None);
}

fn state() -> impl Strategy<Value = State> {
    prop::sample::select(STAGES.to_vec())
}

proptest! {
    #[test]
    fn any_news_in_any_order_leaves_a_legal_booking(state in state(), news in prop::collection::vec(prop::sample::select(NEWS.to_vec()), 0..12)) {
        let mut booking = booking(state);
        for news in news {
            let before = booking.clone();
            let change = booking.apply(news, noon());
            prop_assert_eq!(change.is_none(), booking == before, "{:?}", news);
            prop_assert!(booking.payment_status >= before.payment_status);
            assert_legal(&booking);
            prop_assert_eq!(booking.apply(news, noon()), None, "{:?} twice", news);
        }
    }

    /// Payment sends these in an order of its own; whatever becomes of it on the way, the record of the money agrees.
    #[test]
    fn the_order_of_money_news_does_not_matter_to_a_cancelled_booking(order in Just([ExternalEvent::Captured, ExternalEvent::Declined, ExternalEvent::Refunded]).prop_shuffle()) {
        let mut booking = booking(State::Cancelled);
        for news in order {
            let _ = booking.apply(news, noon());
        }
        prop_assert_eq!(booking.payment_status, PaymentStatus::Refunded);
    }
}
