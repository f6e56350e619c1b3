//! Tests of decisions: every provider result, for both kinds of attempt.

use rstest::rstest;
use uuid::Uuid;

use super::*;

const ORDER: &str = "pay_1";

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn billing() -> Attempt {
    Attempt {
        payment_id: PaymentId(Uuid::nil()),
        number: 1,
        kind: AttemptKind::Billing {
            method: PaymentMethodId(Uuid::nil()),
        },
        preceding_key: None,
        key_spent: false,
        outcome: AttemptOutcome::Open,
        code: None,
        started_at: noon(),
    }
}

fn checkout() -> Attempt {
    Attempt {
        kind: AttemptKind::Checkout {
            payment_key: "pk".to_owned(),
        },
        ..billing()
    }
}

fn context() -> DecisionContext<'static> {
    DecisionContext {
        order_id: ORDER,
        amount_krw: 45_000,
        may_charge: true,
        now: noon(),
    }
}

fn snapshot(status: PaymentStatus) -> PaymentSnapshot {
    PaymentSnapshot {
        payment_key: "pk".to_owned(),
        order_id: ORDER.to_owned(),
        status,
        total_krw: 45_000,
        method: None,
        cancels: Vec::new(),
    }
}

fn error(verdict: ErrorKind) -> ProviderError {
    ProviderError::new(verdict, "CODE")
}

fn ended(outcome: AttemptOutcome, verdict: ErrorKind, next: NextStep) -> Decision {
    Decision::Ended {
        outcome,
        error: error(verdict),
        next,
    }
}

const SPENT: ErrorKind = ErrorKind::Unknown { key_spent: true };
const UNSPENT: ErrorKind = ErrorKind::Unknown { key_spent: false };

#[test]
fn capture_is_accepted_from_calls_and_lookups() {
    let snapshot = snapshot(PaymentStatus::Captured(noon()));
    for answer in [
        ProviderAnswer::Call(Ok(snapshot.clone())),
        ProviderAnswer::Lookup(Ok(snapshot.clone())),
    ] {
        for attempt in [billing(), checkout()] {
            assert_eq!(
                attempt.decide(answer.clone(), context()),
                Decision::Captured(snapshot.clone())
            );
        }
    }
}

#[test]
fn capture_of_another_amount_is_a_conflict() {
    let snapshot = PaymentSnapshot {
        total_krw: 1,
        ..snapshot(PaymentStatus::Captured(noon()))
    };
    assert_eq!(
        billing().decide(ProviderAnswer::Lookup(Ok(snapshot)), context()),
        Decision::AmountConflict
    );
}

#[test]
fn checkout_of_another_order_ends() {
    let snapshot = PaymentSnapshot {
        order_id: "pay_2".to_owned(),
        ..snapshot(PaymentStatus::Captured(noon()))
    };
    let error = ProviderError::new(ErrorKind::Mismatch, "ORDER_MISMATCH");
    let expected = Decision::Ended {
        outcome: AttemptOutcome::Failed,
        error,
        next: NextStep::RequestPayment,
    };
    assert_eq!(
        checkout().decide(ProviderAnswer::Lookup(Ok(snapshot)), context()),
        expected
    );
}

#[rstest]
#[case(
    ErrorKind::Declined,
    ended(AttemptOutcome::Declined, ErrorKind::Declined, NextStep::Fail)
)]
#[case(
    ErrorKind::KeyUnusable,
    ended(AttemptOutcome::Failed, ErrorKind::KeyUnusable, NextStep::RetryOtherMethod)
)]
#[case(
    ErrorKind::SessionExpired,
    ended(AttemptOutcome::Failed, ErrorKind::SessionExpired, NextStep::Retry)
)]
#[case(
    ErrorKind::NotFound,
    ended(AttemptOutcome::Failed, ErrorKind::NotFound, NextStep::Retry)
)]
#[case(
    ErrorKind::Mismatch,
    ended(AttemptOutcome::Failed, ErrorKind::Mismatch, NextStep::Retry)
)]
#[case(
    ErrorKind::OurFault,
    ended(AttemptOutcome::Failed, ErrorKind::OurFault, NextStep::Retry)
)]
#[case(SPENT, Decision::CheckLater { key_spent: true, code: "CODE".to_owned() })]
#[case(UNSPENT, Decision::CheckLater { key_spent: false, code: "CODE".to_owned() })]
fn error_of_a_charge(#[case] verdict: ErrorKind, #[case] expected: Decision) {
    assert_eq!(
        billing().decide(ProviderAnswer::Call(Err(error(verdict))), context()),
        expected
    );
}

#[rstest]
#[case(
    ErrorKind::Declined,
    ended(AttemptOutcome::Declined, ErrorKind::Declined, NextStep::RequestPayment)
)]
#[case(
    ErrorKind::SessionExpired,
    ended(AttemptOutcome::Failed, ErrorKind::SessionExpired, NextStep::RequestPayment)
)]
#[case(
    ErrorKind::NotFound,
    ended(AttemptOutcome::Failed, ErrorKind::NotFound, NextStep::RequestPayment)
)]
#[case(
    ErrorKind::Mismatch,
    ended(AttemptOutcome::Failed, ErrorKind::Mismatch, NextStep::RequestPayment)
)]
#[case(
    ErrorKind::OurFault,
    ended(AttemptOutcome::Failed, ErrorKind::OurFault, NextStep::RequestPayment)
)]
#[case(SPENT, Decision::CheckLater { key_spent: true, code: "CODE".to_owned() })]
fn error_of_a_confirmation(#[case] verdict: ErrorKind, #[case] expected: Decision) {
    assert_eq!(
        checkout().decide(ProviderAnswer::Call(Err(error(verdict))), context()),
        expected
    );
}

#[test]
fn pending_call_is_checked_later() {
    let waiting = ProviderAnswer::Call(Ok(snapshot(PaymentStatus::Pending)));
    let expected = Decision::CheckLater {
        key_spent: true,
        code: "WAITING".to_owned(),
    };
    assert_eq!(checkout().decide(waiting, context()), expected);
}

#[rstest]
#[case(ErrorKind::Declined, NextStep::Fail)]
#[case(SPENT, NextStep::Retry)]
#[case(ErrorKind::SessionExpired, NextStep::Retry)]
fn lookup_of_an_ended_payment(#[case] verdict: ErrorKind, #[case] expected: NextStep) {
    let answer = ProviderAnswer::Lookup(Ok(snapshot(PaymentStatus::Ended(error(verdict)))));
    let Decision::Ended { next, .. } = billing().decide(answer, context()) else {
        panic!("not ended")
    };
    assert_eq!(next, expected);
}

#[test]
fn lookup_ignores_the_preceding_payment() {
    let attempt = Attempt {
        preceding_key: Some("pk".to_owned()),
        ..billing()
    };
    let aborted = ProviderAnswer::Lookup(Ok(snapshot(PaymentStatus::Ended(error(ErrorKind::Declined)))));
    assert_eq!(attempt.decide(aborted, context()), Decision::RetryCall);
}

#[rstest]
#[case::never_answered(false, true, 0, Decision::RetryCall)]
#[case::answered(
    true,
    true,
    0,
    ended(AttemptOutcome::Failed, ErrorKind::NotFound, NextStep::Retry)
)]
#[case::answered_and_ended(
    true,
    false,
    0,
    ended(AttemptOutcome::Failed, ErrorKind::NotFound, NextStep::Retry)
)]
#[case::may_still_arrive(false, false, 14, Decision::CheckLater { key_spent: false, code: "CODE".to_owned() })]
#[case::lost(
    false,
    false,
    15,
    ended(AttemptOutcome::GivenUp, ErrorKind::NotFound, NextStep::Retry)
)]
fn lookup_without_a_payment(
    #[case] key_spent: bool,
    #[case] may_charge: bool,
    #[case] minutes: i64,
    #[case] expected: Decision,
) {
    let attempt = Attempt {
        key_spent,
        code: Some("CODE".to_owned()),
        ..billing()
    };
    let context = DecisionContext {
        may_charge,
        now: noon() + TimeDelta::minutes(minutes),
        ..context()
    };
    for answer in [
        ProviderAnswer::Lookup(Err(error(ErrorKind::NotFound))),
        ProviderAnswer::Lookup(Ok(snapshot(PaymentStatus::Pending))),
    ] {
        assert_eq!(attempt.decide(answer, context), expected);
    }
}

#[rstest]
#[case(ErrorKind::OurFault)]
#[case(ErrorKind::Declined)]
#[case(UNSPENT)]
fn failed_lookup_is_repeated(#[case] verdict: ErrorKind) {
    for key_spent in [true, false] {
        let attempt = Attempt {
            key_spent,
            ..billing()
        };
        let expected = Decision::CheckLater {
            key_spent,
            code: "CODE".to_owned(),
        };
        assert_eq!(
            attempt.decide(ProviderAnswer::Lookup(Err(error(verdict))), context()),
            expected
        );
    }
}

#[test]
fn idempotency_keys_contain_the_attempt_number() {
    let nil = Uuid::nil();
    assert_eq!(billing().idempotency_key(), format!("charge:{nil}:1"));
    assert_eq!(
        Attempt {
            number: 2,
            ..checkout()
        }
        .idempotency_key(),
        format!("confirm:{nil}:2")
    );
}
