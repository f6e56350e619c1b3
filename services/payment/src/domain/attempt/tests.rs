//! Every answer of the provider, for both kinds of attempt.

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
        kind: Kind::Billing {
            method: MethodId(Uuid::nil()),
        },
        preceding_key: None,
        key_spent: false,
        outcome: Outcome::Open,
        code: None,
        started_at: noon(),
    }
}

fn window() -> Attempt {
    Attempt {
        kind: Kind::Window {
            payment_key: "pk".to_owned(),
        },
        ..billing()
    }
}

fn terms() -> Terms<'static> {
    Terms {
        order_id: ORDER,
        amount_krw: 45_000,
        may_call: true,
        now: noon(),
    }
}

fn report(standing: Standing) -> Report {
    Report {
        payment_key: "pk".to_owned(),
        order_id: ORDER.to_owned(),
        standing,
        total_krw: 45_000,
        method: None,
        cancels: Vec::new(),
    }
}

fn refusal(verdict: Verdict) -> Refusal {
    Refusal::new(verdict, "CODE")
}

fn over(outcome: Outcome, verdict: Verdict, next: Next) -> Judgement {
    Judgement::Over {
        outcome,
        refusal: refusal(verdict),
        next,
    }
}

const SPENT: Verdict = Verdict::Unknown { key_spent: true };
const UNSPENT: Verdict = Verdict::Unknown { key_spent: false };

#[test]
fn money_is_money_however_it_was_heard_of() {
    let report = report(Standing::Captured(noon()));
    for heard in [Heard::Reply(Ok(report.clone())), Heard::Query(Ok(report.clone()))] {
        for attempt in [billing(), window()] {
            assert_eq!(
                attempt.judge(heard.clone(), terms()),
                Judgement::Captured(report.clone())
            );
        }
    }
}

#[test]
fn another_amount_under_our_order_is_for_a_person() {
    let report = Report {
        total_krw: 1,
        ..report(Standing::Captured(noon()))
    };
    assert_eq!(
        billing().judge(Heard::Query(Ok(report)), terms()),
        Judgement::Foreign
    );
}

#[test]
fn a_window_of_another_order_is_refused() {
    let report = Report {
        order_id: "pay_2".to_owned(),
        ..report(Standing::Captured(noon()))
    };
    let refusal = Refusal::new(Verdict::Mismatch, "ORDER_MISMATCH");
    let expected = Judgement::Over {
        outcome: Outcome::Failed,
        refusal,
        next: Next::AskGuest,
    };
    assert_eq!(window().judge(Heard::Query(Ok(report)), terms()), expected);
}

#[rstest]
#[case(Verdict::Declined, over(Outcome::Declined, Verdict::Declined, Next::Fail))]
#[case(
    Verdict::KeyUnusable,
    over(Outcome::Failed, Verdict::KeyUnusable, Next::TryOtherMethod)
)]
#[case(
    Verdict::SessionOver,
    over(Outcome::Failed, Verdict::SessionOver, Next::TryAgain)
)]
#[case(Verdict::NotFound, over(Outcome::Failed, Verdict::NotFound, Next::TryAgain))]
#[case(Verdict::Mismatch, over(Outcome::Failed, Verdict::Mismatch, Next::TryAgain))]
#[case(Verdict::OurFault, over(Outcome::Failed, Verdict::OurFault, Next::TryAgain))]
#[case(SPENT, Judgement::LookAgain { key_spent: true, code: "CODE".to_owned() })]
#[case(UNSPENT, Judgement::LookAgain { key_spent: false, code: "CODE".to_owned() })]
fn a_reply_to_a_charge(#[case] verdict: Verdict, #[case] expected: Judgement) {
    assert_eq!(
        billing().judge(Heard::Reply(Err(refusal(verdict))), terms()),
        expected
    );
}

#[rstest]
#[case(Verdict::Declined, over(Outcome::Declined, Verdict::Declined, Next::AskGuest))]
#[case(
    Verdict::SessionOver,
    over(Outcome::Failed, Verdict::SessionOver, Next::AskGuest)
)]
#[case(Verdict::NotFound, over(Outcome::Failed, Verdict::NotFound, Next::AskGuest))]
#[case(Verdict::Mismatch, over(Outcome::Failed, Verdict::Mismatch, Next::AskGuest))]
#[case(Verdict::OurFault, over(Outcome::Failed, Verdict::OurFault, Next::AskGuest))]
#[case(SPENT, Judgement::LookAgain { key_spent: true, code: "CODE".to_owned() })]
fn a_reply_to_a_confirmation(#[case] verdict: Verdict, #[case] expected: Judgement) {
    assert_eq!(
        window().judge(Heard::Reply(Err(refusal(verdict))), terms()),
        expected
    );
}

#[test]
fn a_reply_that_waits_is_asked_about() {
    let waiting = Heard::Reply(Ok(report(Standing::Waiting)));
    let expected = Judgement::LookAgain {
        key_spent: true,
        code: "WAITING".to_owned(),
    };
    assert_eq!(window().judge(waiting, terms()), expected);
}

#[rstest]
#[case(Verdict::Declined, Next::Fail)]
#[case(SPENT, Next::TryAgain)]
#[case(Verdict::SessionOver, Next::TryAgain)]
fn a_query_that_finds_it_over(#[case] verdict: Verdict, #[case] expected: Next) {
    let heard = Heard::Query(Ok(report(Standing::Over(refusal(verdict)))));
    let Judgement::Over { next, .. } = billing().judge(heard, terms()) else {
        panic!("not over")
    };
    assert_eq!(next, expected);
}

#[test]
fn what_was_there_before_the_attempt_says_nothing_about_it() {
    let attempt = Attempt {
        preceding_key: Some("pk".to_owned()),
        ..billing()
    };
    let aborted = Heard::Query(Ok(report(Standing::Over(refusal(Verdict::Declined)))));
    assert_eq!(attempt.judge(aborted, terms()), Judgement::Repeat);
}

#[rstest]
#[case::never_answered(false, true, 0, Judgement::Repeat)]
#[case::answered(true, true, 0, over(Outcome::Failed, Verdict::NotFound, Next::TryAgain))]
#[case::answered_and_over(true, false, 0, over(Outcome::Failed, Verdict::NotFound, Next::TryAgain))]
#[case::may_still_arrive(false, false, 14, Judgement::LookAgain { key_spent: false, code: "CODE".to_owned() })]
#[case::lost(false, false, 15, over(Outcome::GivenUp, Verdict::NotFound, Next::TryAgain))]
fn a_query_that_finds_nothing(
    #[case] key_spent: bool,
    #[case] may_call: bool,
    #[case] minutes: i64,
    #[case] expected: Judgement,
) {
    let attempt = Attempt {
        key_spent,
        code: Some("CODE".to_owned()),
        ..billing()
    };
    let terms = Terms {
        may_call,
        now: noon() + TimeDelta::minutes(minutes),
        ..terms()
    };
    for heard in [
        Heard::Query(Err(refusal(Verdict::NotFound))),
        Heard::Query(Ok(report(Standing::Waiting))),
    ] {
        assert_eq!(attempt.judge(heard, terms), expected);
    }
}

#[rstest]
#[case(Verdict::OurFault)]
#[case(Verdict::Declined)]
#[case(UNSPENT)]
fn a_query_that_fails_says_nothing(#[case] verdict: Verdict) {
    for key_spent in [true, false] {
        let attempt = Attempt {
            key_spent,
            ..billing()
        };
        let expected = Judgement::LookAgain {
            key_spent,
            code: "CODE".to_owned(),
        };
        assert_eq!(
            attempt.judge(Heard::Query(Err(refusal(verdict))), terms()),
            expected
        );
    }
}

#[test]
fn each_attempt_has_its_own_idempotency_key() {
    let nil = Uuid::nil();
    assert_eq!(billing().idempotency_key(), format!("charge:{nil}:1"));
    assert_eq!(
        Attempt {
            number: 2,
            ..window()
        }
        .idempotency_key(),
        format!("confirm:{nil}:2")
    );
}
