//! Tests of the transitions of a payment.

use super::*;

fn fresh(minute: i64) -> Fresh {
    let start: DateTime<Utc> = "2025-03-04T01:00:00Z".parse().unwrap();
    Fresh {
        now: start + TimeDelta::minutes(minute),
        token: format!("{minute:032x}"),
    }
}

fn opened(amount: i64) -> Record {
    let purchase = Purchase {
        order_id: "order-1".into(),
        order_name: "K5 3시간".into(),
        amount,
    };
    purchase.check().unwrap();
    Record::open(
        Kind::Normal,
        purchase,
        "4330123412341234",
        &fresh(0),
        "http://sandbox",
    )
}

fn charged(amount: i64) -> Record {
    let mut record = opened(amount);
    record.authenticate(fresh(0).now);
    record.charge(&fresh(1), "http://sandbox");
    record
}

fn cancel(record: &mut Record, amount: Option<i64>, minute: i64) -> Result<(), &'static str> {
    let request = CancelRequest {
        reason: "change of plan".into(),
        amount,
        refundable: None,
    };
    record.cancel(request, &fresh(minute)).map_err(Error::code)
}

#[test]
fn charge_sets_card_receipt_and_approval() {
    let record = charged(45_000);
    let p = &record.payment;
    assert_eq!(
        (p.status, p.supplied_amount, p.vat),
        (Status::Done, 40_909, 4_091)
    );
    assert_eq!(p.approved_at.unwrap().to_rfc3339(), "2025-03-04T10:01:00+09:00");
    assert_eq!(p.card.as_ref().unwrap().number, "43301234****123*");
    assert_eq!(p.method.as_deref(), Some("카드"));
}

#[test]
fn full_cancel_is_canceled_and_a_second_is_rejected() {
    let mut record = charged(45_000);
    assert_eq!(cancel(&mut record, None, 2), Ok(()));
    assert_eq!(
        (record.payment.status, record.payment.balance_amount),
        (Status::Canceled, 0)
    );
    assert_eq!(cancel(&mut record, None, 3), Err("ALREADY_CANCELED_PAYMENT"));
}

#[test]
fn partial_cancels_stay_partial_without_a_balance() {
    let mut record = charged(45_000);
    assert_eq!(cancel(&mut record, Some(45_001), 2), Err("NOT_CANCELABLE_AMOUNT"));
    assert_eq!(cancel(&mut record, Some(0), 2), Err("INVALID_REQUEST"));
    assert_eq!(cancel(&mut record, Some(20_000), 2), Ok(()));
    assert_eq!(cancel(&mut record, None, 3), Ok(()));
    assert_eq!(
        (record.payment.status, record.payment.balance_amount),
        (Status::PartialCanceled, 0)
    );
    let parts: Vec<_> = record
        .payment
        .cancels
        .iter()
        .flatten()
        .map(|c| (c.cancel_amount, c.refundable_amount))
        .collect();
    assert_eq!(parts, [(20_000, 25_000), (25_000, 0)]);
    assert_eq!(cancel(&mut record, None, 4), Err("NOT_CANCELABLE_AMOUNT"));
}

#[test]
fn cancel_with_a_wrong_refundable_amount_is_rejected() {
    let mut record = charged(45_000);
    let request = CancelRequest {
        reason: "r".into(),
        amount: None,
        refundable: Some(44_999),
    };
    let refused = record.cancel(request, &fresh(2)).map_err(Error::code);
    assert_eq!(refused, Err("NOT_MATCHES_REFUNDABLE_AMOUNT"));
}

#[test]
fn cancel_before_a_charge_is_rejected() {
    let mut record = opened(45_000);
    assert_eq!(cancel(&mut record, None, 1), Err("NOT_CANCELABLE_PAYMENT"));
    record.authenticate(fresh(1).now);
    assert_eq!(cancel(&mut record, None, 1), Err("NOT_CANCELABLE_PAYMENT"));
}

#[test]
fn payment_expires_30_minutes_after_opening_or_10_after_authentication() {
    let mut waiting = opened(1_000);
    assert!(!waiting.expire_if_due(fresh(29).now));
    assert!(waiting.expire_if_due(fresh(30).now));
    assert_eq!(waiting.payment.failure.unwrap().code, "EXPIRED_PAYMENT");

    let mut authenticated = opened(1_000);
    authenticated.authenticate(fresh(20).now);
    assert!(!authenticated.expire_if_due(fresh(29).now));
    assert!(authenticated.expire_if_due(fresh(30).now));
    assert!(!charged(1_000).expire_if_due(fresh(60).now));
}

#[test]
fn invalid_orders_are_rejected() {
    let check = |order_id: &str, order_name: &str, amount| {
        let purchase = Purchase {
            order_id: order_id.into(),
            order_name: order_name.into(),
            amount,
        };
        purchase.check().err().map(Error::code)
    };
    assert_eq!(check("abc_-=", "n", 100), None);
    assert_eq!(check("short", "n", 100), Some("INVALID_ORDER_ID"));
    assert_eq!(check("spaces are bad", "n", 100), Some("INVALID_ORDER_ID"));
    assert_eq!(check("order-1", "", 100), Some("INVALID_REQUEST"));
    assert_eq!(check("order-1", "n", 99), Some("BELOW_MINIMUM_AMOUNT"));
}
