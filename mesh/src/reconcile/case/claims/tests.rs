//! Each kind of difference of claims, made from rows that agree.

use uuid::Uuid;

use super::super::tests::{at, confirmed};
use super::super::{Case, Claim, Kind, Payment};

const CLAIM: Uuid = Uuid::from_u128(9);

/// A booking of 40,000 won with a claim of 10,000 won that is paid.
fn claimed() -> Case {
    let mut case = confirmed();
    let charge = Payment {
        charge_id: Some(CLAIM),
        amount_krw: 10_000,
        ledger_krw: 10_000,
        ..case.payment.clone().expect("a payment")
    };
    case.charges = vec![charge];
    case.claims = vec![Claim {
        id: CLAIM,
        booking_id: case.booking_id,
        status: "paid".into(),
        approved_krw: Some(10_000),
        refunded_krw: 0,
    }];
    case
}

fn kinds(change: impl FnOnce(&mut Case)) -> Vec<Kind> {
    let mut case = claimed();
    change(&mut case);
    case.compare(at(1))
}

#[test]
fn paid_claim_has_its_captured_charge() {
    assert_eq!(kinds(|_| {}), []);
    assert_eq!(kinds(|case| case.charges.clear()), [Kind::ClaimNotPaid]);
    let uncaptured = kinds(|case| (case.charges[0].captured, case.charges[0].ledger_krw) = (false, 0));
    assert_eq!(uncaptured, [Kind::ClaimNotPaid]);
    let other_amount = kinds(|case| case.claims[0].approved_krw = Some(9_000));
    assert_eq!(other_amount, [Kind::UnexpectedCharge, Kind::ClaimNotPaid]);
}

#[test]
fn charge_of_a_closed_claim_is_refunded() {
    let closed = |settle: fn(&mut Payment)| {
        kinds(|case| {
            case.claims[0].status = "payment_failed".into();
            settle(&mut case.charges[0]);
        })
    };
    assert_eq!(closed(|_| {}), [Kind::UnexpectedCharge]);
    assert_eq!(
        closed(|charge| (charge.refunded_krw, charge.ledger_krw) = (10_000, 0)),
        []
    );
    assert_eq!(
        kinds(|case| case.claims[0].status = "awaiting_payment".into()),
        []
    );
}

#[test]
fn refund_of_a_claim_is_known_to_both_and_is_not_one_of_the_booking() {
    let refunded = |claim_krw| {
        kinds(|case| {
            (case.charges[0].refunded_krw, case.charges[0].ledger_krw) = (4_000, 6_000);
            case.claims[0].refunded_krw = claim_krw;
        })
    };
    assert_eq!(refunded(4_000), []);
    assert_eq!(refunded(0), [Kind::RefundTotalDiffers]);
    let owed = kinds(|case| {
        (case.charges[0].refunded_krw, case.charges[0].ledger_krw) = (4_000, 6_000);
        case.claims[0].refunded_krw = 4_000;
        case.booking.as_mut().expect("a booking").lowered_krw = 4_000;
    });
    assert!(owed.contains(&Kind::RefundMissing), "{owed:?}");
}
