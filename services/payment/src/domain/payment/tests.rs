//! Tests of every transition in every state.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use strum::VariantArray as _;
use uuid::Uuid;

use super::*;
use crate::domain::ids::PaymentMethodId;
use crate::domain::money::fee_of;
use crate::domain::provider_report::PaymentStatus;
use crate::domain::refund::Origin;

pub(super) fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(super) fn payment(state: State) -> Payment {
    let captured = matches!(state, State::Completed | State::Refunded);
    let refunded_krw = if state == State::Refunded { 45_000 } else { 0 };
    let id = PaymentId(Uuid::from_u128(1));
    Payment {
        id,
        booking_id: BookingId(Uuid::from_u128(2)),
        charge_id: None,
        guest_id: GuestId(Uuid::from_u128(3)),
        host_id: HostId(Uuid::from_u128(4)),
        order_id: id.order_id(),
        order_name: "카셰어링 아이오닉 5".to_owned(),
        amount_krw: 45_000,
        fee_krw: fee_of(45_000 - refunded_krw),
        platform_discount_krw: 0,
        refunded_krw,
        state,
        last_attempt: i32::from(state == State::Unknown),
        payment_key: captured.then(|| "pk_1".to_owned()),
        method: None,
        failure_code: (state == State::Failed).then(|| "REJECT_CARD_PAYMENT".to_owned()),
        due_at: noon() + TimeDelta::hours(2),
        paid_at: captured.then(noon),
        settled_at: None,
        rental_ends_at: noon() + TimeDelta::days(3),
        refund_due_krw: 0,
        booking_end: None,
        next_check_at: Some(noon()),
        checks: 0,
        claim_lost: false,
        created_at: noon(),
        version: 0,
    }
}

pub(super) fn snapshot() -> PaymentSnapshot {
    PaymentSnapshot {
        payment_key: "pk_1".to_owned(),
        order_id: PaymentId(Uuid::from_u128(1)).order_id(),
        status: PaymentStatus::Captured(noon()),
        total_krw: 45_000,
        method: Some("카드".to_owned()),
        cancels: Vec::new(),
    }
}

fn billing() -> AttemptKind {
    AttemptKind::Billing {
        method: PaymentMethodId(Uuid::from_u128(5)),
    }
}

fn checkout() -> AttemptKind {
    AttemptKind::Checkout {
        payment_key: "pk_1".to_owned(),
    }
}

pub(super) fn ended(refund_krw: Option<i64>) -> BookingEnd {
    BookingEnd {
        at: noon(),
        refund_krw,
    }
}

#[rstest]
#[case(State::Due, true, true)]
#[case(State::Requested, false, true)]
#[case(State::Unknown, false, false)]
#[case(State::Completed, false, false)]
#[case(State::Failed, false, false)]
#[case(State::Refunded, false, false)]
fn begin_attempt(#[case] state: State, #[case] by_card: bool, #[case] by_checkout: bool) {
    for (kind, allowed) in [(billing(), by_card), (checkout(), by_checkout)] {
        let mut payment = payment(state);
        let begun = payment.begin_attempt(&kind, noon(), noon() + TimeDelta::seconds(15));
        assert_eq!(begun.is_ok(), allowed, "{state:?} {kind:?}");
        if allowed {
            assert_eq!((payment.state, payment.last_attempt), (State::Unknown, 1));
            assert_eq!(payment.next_check_at, Some(noon() + TimeDelta::seconds(15)));
        }
    }
}

#[test]
fn begin_attempt_rejects_overdue_payments_and_ended_bookings() {
    let mut late = payment(State::Requested);
    let error = late
        .begin_attempt(&checkout(), late.due_at, late.due_at)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a payment that is requested cannot be attempted"
    );
    let mut closed = payment(State::Unknown);
    closed.end_booking(ended(None));
    closed.state = State::Due;
    assert!(closed.begin_attempt(&billing(), noon(), noon()).is_err());
}

#[rstest]
#[case(State::Due, Ok(false))]
#[case(State::Requested, Ok(false))]
#[case(State::Unknown, Ok(false))]
#[case(State::Failed, Ok(true))]
#[case(State::Completed, Err(()))]
#[case(State::Refunded, Err(()))]
fn capture(#[case] state: State, #[case] is_refunded: Result<bool, ()>) {
    let mut payment = payment(state);
    let captured = payment.capture(&snapshot(), noon());
    assert_eq!(
        captured.map(|capture| capture.is_refunded).map_err(drop),
        is_refunded
    );
    if is_refunded.is_ok() {
        assert_eq!(
            (payment.state, payment.paid_at, payment.next_check_at),
            (State::Completed, Some(noon()), None)
        );
        assert_eq!((&payment.failure_code, payment.balance_krw()), (&None, 45_000));
    }
}

#[test]
fn capture_after_the_end_of_the_booking_is_refunded_in_full() {
    let mut payment = payment(State::Unknown);
    payment.end_booking(ended(Some(0)));
    assert_eq!(payment.state, State::Unknown);
    assert!(payment.capture(&snapshot(), noon()).unwrap().is_refunded);
    assert_eq!(payment.owed_krw(Origin::BookingEnd), 45_000);
}

#[rstest]
#[case(NextStep::Fail, State::Failed, AttemptEnd::PaymentFailed)]
#[case(NextStep::RequestPayment, State::Requested, AttemptEnd::Continues)]
#[case(NextStep::Retry, State::Due, AttemptEnd::Continues)]
#[case(NextStep::RetryOtherMethod, State::Due, AttemptEnd::Continues)]
fn end_attempt(#[case] next: NextStep, #[case] after: State, #[case] end: AttemptEnd) {
    let mut open = payment(State::Unknown);
    assert_eq!(open.end_attempt(next, "CODE", noon()).unwrap(), end);
    assert_eq!(open.state, after);
    let mut closed = payment(State::Unknown);
    closed.end_booking(ended(None));
    assert_eq!(
        closed.end_attempt(next, "CODE", noon()).unwrap(),
        AttemptEnd::BookingEnded
    );
    assert_eq!(closed.failure_code.as_deref(), Some(BOOKING_CLOSED));
    for state in State::VARIANTS
        .iter()
        .copied()
        .filter(|state| *state != State::Unknown)
    {
        assert!(
            payment(state).end_attempt(next, "CODE", noon()).is_err(),
            "{state:?}"
        );
    }
}

#[test]
fn request_accepts_only_due_payments() {
    for state in State::VARIANTS.iter().copied() {
        let mut payment = payment(state);
        assert_eq!(payment.request().is_ok(), state == State::Due, "{state:?}");
    }
}

#[test]
fn check_later_backs_off_and_a_lost_claim_keeps_the_schedule() {
    let mut payment = payment(State::Unknown);
    let delays: Vec<_> = (0..3)
        .map(|_| {
            payment.check_later(noon());
            (payment.next_check_at.unwrap() - noon()).to_std().unwrap()
        })
        .collect();
    assert_eq!(delays, [1, 2, 4].map(Duration::from_secs));
    let scheduled = payment.next_check_at;
    payment.claim_lost = true;
    payment.stop_checking();
    payment.check_later(noon());
    assert_eq!(payment.next_check_at, scheduled);
    payment.claim_lost = false;
    payment.stop_checking();
    assert_eq!((payment.next_check_at, payment.checks), (None, 0));
}

#[test]
fn state_names_round_trip() {
    for state in State::VARIANTS.iter().copied() {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    assert!("paid".parse::<State>().is_err());
}
