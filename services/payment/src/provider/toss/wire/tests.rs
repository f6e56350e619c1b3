//! Answers as Toss documents them, and what we make of them.

use rstest::rstest;
use serde_json::json;

use super::*;

fn payment(status: &str, changes: serde_json::Value) -> Report {
    let mut value = json!({
        "version": "2022-11-16", "paymentKey": "pk_1", "orderId": "pay_1", "status": status, "method": "카드",
        "totalAmount": 45_000, "balanceAmount": 45_000, "requestedAt": "2026-11-22T20:59:58+09:00",
        "approvedAt": "2026-11-22T21:00:00+09:00", "failure": null, "cancels": null, "brandNew": {"x": 1},
    });
    value
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().cloned().unwrap());
    serde_json::from_value::<Payment>(value).unwrap().into_report()
}

fn captured() -> Standing {
    Standing::Captured("2026-11-22T12:00:00Z".parse().unwrap())
}

#[rstest]
#[case("DONE")]
#[case("PARTIAL_CANCELED")]
#[case("CANCELED")]
fn money_was_taken(#[case] status: &str) {
    assert_eq!(payment(status, json!({})).standing, captured());
}

#[rstest]
#[case("READY")]
#[case("IN_PROGRESS")]
#[case("WAITING_FOR_DEPOSIT")]
#[case("SOMETHING_NEW")]
fn nothing_was_taken_yet(#[case] status: &str) {
    assert_eq!(
        payment(status, json!({"approvedAt": null})).standing,
        Standing::Waiting
    );
}

#[rstest]
#[case("ABORTED", json!({"failure": {"code": "REJECT_CARD_PAYMENT", "message": "m"}}), Verdict::Declined, "REJECT_CARD_PAYMENT")]
#[case("ABORTED", json!({"failure": {"code": "PROVIDER_ERROR", "message": "m"}}), Verdict::Unknown { key_spent: true }, "PROVIDER_ERROR")]
#[case("ABORTED", json!({}), Verdict::Declined, "ABORTED")]
#[case("EXPIRED", json!({"failure": {"code": "EXPIRED_PAYMENT", "message": "m"}}), Verdict::SessionOver, "EXPIRED_PAYMENT")]
#[case("CANCELED", json!({"approvedAt": null}), Verdict::SessionOver, "CANCELED")]
fn nothing_will_be_taken(
    #[case] status: &str,
    #[case] changes: serde_json::Value,
    #[case] verdict: Verdict,
    #[case] code: &str,
) {
    assert_eq!(
        payment(status, changes).standing,
        Standing::Over(Refusal::new(verdict, code))
    );
}

#[test]
fn only_cancels_that_are_done_count() {
    let cancel = |key: &str, status: &str| json!({"transactionKey": key, "cancelAmount": 10_000, "cancelReason": "r", "cancelStatus": status, "canceledAt": "x"});
    let cancels =
        json!({"cancels": [cancel("t1", "DONE"), cancel("t2", "IN_PROGRESS"), cancel("t3", "ABORTED")]});
    let expected = finding::Cancel {
        transaction_key: "t1".into(),
        amount_krw: 10_000,
        reason: "r".into(),
    };
    assert_eq!(payment("PARTIAL_CANCELED", cancels).cancels, [expected]);
}

#[rstest]
#[case("43301234****123*", "43301234****123*")]
#[case("", "")]
#[case("4330123412341234", "433012**********")]
fn a_card_number_is_never_whole(#[case] from: &str, #[case] kept: &str) {
    assert_eq!(masked(from), kept);
}

#[test]
fn both_error_bodies_have_a_code() {
    for body in [
        r#"{"code":"X","message":"m"}"#,
        r#"{"version":"v","traceId":"t","error":{"code":"X","message":"m"}}"#,
    ] {
        assert_eq!(
            serde_json::from_str::<ErrorBody>(body)
                .unwrap()
                .into_code()
                .as_deref(),
            Some("X")
        );
    }
    assert_eq!(serde_json::from_str::<ErrorBody>("{}").unwrap().into_code(), None);
}
