//! Tests of conversions from documented responses.

use rstest::rstest;
use serde_json::json;

use super::*;

fn payment(status: &str, changes: serde_json::Value) -> PaymentSnapshot {
    let mut value = json!({
        "version": "2022-11-16", "paymentKey": "pk_1", "orderId": "pay_1", "status": status, "method": "카드",
        "totalAmount": 45_000, "balanceAmount": 45_000, "requestedAt": "2026-11-22T20:59:58+09:00",
        "approvedAt": "2026-11-22T21:00:00+09:00", "failure": null, "cancels": null, "brandNew": {"x": 1},
    });
    value
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().cloned().unwrap());
    serde_json::from_value::<Payment>(value).unwrap().into_snapshot()
}

fn captured() -> PaymentStatus {
    PaymentStatus::Captured("2026-11-22T12:00:00Z".parse().unwrap())
}

#[rstest]
#[case("DONE")]
#[case("PARTIAL_CANCELED")]
#[case("CANCELED")]
fn statuses_of_captured_payments(#[case] status: &str) {
    assert_eq!(payment(status, json!({})).status, captured());
}

#[rstest]
#[case("READY")]
#[case("IN_PROGRESS")]
#[case("WAITING_FOR_DEPOSIT")]
#[case("SOMETHING_NEW")]
fn statuses_of_pending_payments(#[case] status: &str) {
    assert_eq!(
        payment(status, json!({"approvedAt": null})).status,
        PaymentStatus::Pending
    );
}

#[rstest]
#[case("ABORTED", json!({"failure": {"code": "REJECT_CARD_PAYMENT", "message": "m"}}), ErrorKind::Declined, "REJECT_CARD_PAYMENT")]
#[case("ABORTED", json!({"failure": {"code": "PROVIDER_ERROR", "message": "m"}}), ErrorKind::Unknown { key_spent: true }, "PROVIDER_ERROR")]
#[case("ABORTED", json!({}), ErrorKind::Declined, "ABORTED")]
#[case("EXPIRED", json!({"failure": {"code": "EXPIRED_PAYMENT", "message": "m"}}), ErrorKind::SessionExpired, "EXPIRED_PAYMENT")]
#[case("CANCELED", json!({"approvedAt": null}), ErrorKind::SessionExpired, "CANCELED")]
fn statuses_of_ended_payments(
    #[case] status: &str,
    #[case] changes: serde_json::Value,
    #[case] kind: ErrorKind,
    #[case] code: &str,
) {
    assert_eq!(
        payment(status, changes).status,
        PaymentStatus::Ended(ProviderError::new(kind, code))
    );
}

#[test]
fn only_completed_cancels_are_reported() {
    let cancel = |key: &str, status: &str| json!({"transactionKey": key, "cancelAmount": 10_000, "cancelReason": "r", "cancelStatus": status, "canceledAt": "x"});
    let cancels =
        json!({"cancels": [cancel("t1", "DONE"), cancel("t2", "IN_PROGRESS"), cancel("t3", "ABORTED")]});
    let expected = provider_report::Cancel {
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
fn card_numbers_are_masked(#[case] from: &str, #[case] masked_number: &str) {
    assert_eq!(masked(from), masked_number);
}

#[test]
fn parses_both_error_formats() {
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
