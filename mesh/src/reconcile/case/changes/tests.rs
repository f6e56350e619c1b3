//! Each kind of difference of changes, made from rows that agree.

use uuid::Uuid;

use super::super::tests::{at, confirmed};
use super::super::{Booking, Case, Change, Kind, Payment};

const CHANGE: Uuid = Uuid::from_u128(9);

/// A confirmed booking of 40,000 won, which was extended for 10,000 won.
fn extended() -> Case {
    let mut case = confirmed();
    let charge = Payment {
        charge_id: Some(CHANGE),
        amount_krw: 10_000,
        ledger_krw: 10_000,
        ..case.payment.clone().expect("a payment")
    };
    case.charges = vec![charge];
    case.changes = vec![Change {
        id: CHANGE,
        booking_id: case.booking_id,
        status: "applied".into(),
        difference_krw: 10_000,
    }];
    case
}

fn booking(case: &mut Case) -> &mut Booking {
    case.booking.as_mut().expect("a booking")
}

fn kinds(change: impl FnOnce(&mut Case)) -> Vec<Kind> {
    let mut case = extended();
    change(&mut case);
    case.compare(at(1))
}

#[test]
fn applied_change_is_paid_and_agrees() {
    assert_eq!(kinds(|_| {}), []);
    assert_eq!(kinds(|case| case.charges.clear()), [Kind::ChangeNotPaid]);
    let uncaptured = kinds(|case| (case.charges[0].captured, case.charges[0].ledger_krw) = (false, 0));
    assert_eq!(uncaptured, [Kind::ChangeNotPaid]);
    assert_eq!(
        kinds(|case| booking(case).changes_agree = false),
        [Kind::ChangesDiffer]
    );
    assert_eq!(
        kinds(|case| case.charges[0].ledger_krw = 0),
        [Kind::LedgerDiffers]
    );
}

#[test]
fn charge_of_a_closed_change_is_refunded() {
    let closed = |settle: fn(&mut Payment)| {
        kinds(|case| {
            case.changes[0].status = "expired".into();
            settle(&mut case.charges[0]);
        })
    };
    assert_eq!(closed(|_| {}), [Kind::UnexpectedCharge]);
    assert_eq!(
        closed(|charge| (charge.refunded_krw, charge.ledger_krw) = (10_000, 0)),
        []
    );
    let failed = closed(|charge| (charge.failed, charge.captured, charge.ledger_krw) = (true, false, 0));
    assert_eq!(failed, []);
    let awaited = kinds(|case| case.changes[0].status = "awaiting_payment".into());
    assert_eq!(awaited, []);
    let other_amount = kinds(|case| case.changes[0].difference_krw = 9_000);
    assert_eq!(other_amount, [Kind::ChangeNotPaid, Kind::UnexpectedCharge]);
}

#[test]
fn what_changes_take_off_is_refunded_from_any_charge() {
    assert_eq!(
        kinds(|case| booking(case).lowered_krw = 3_000),
        [Kind::RefundMissing]
    );
    let refunded = kinds(|case| {
        booking(case).lowered_krw = 3_000;
        (case.charges[0].refunded_krw, case.charges[0].ledger_krw) = (3_000, 7_000);
    });
    assert_eq!(refunded, []);
    let cancelled = |refunded_krw| {
        kinds(|case| {
            case.occupancy = None;
            let booking = booking(case);
            (booking.lowered_krw, booking.refund_krw, booking.refunded_krw) = (3_000, Some(20_000), 20_000);
            (booking.status, booking.payment_status) = ("cancelled".into(), "refunded".into());
            let payment = case.payment.as_mut().expect("a payment");
            (payment.refunded_krw, payment.ledger_krw) = (20_000, 20_000);
            (case.charges[0].refunded_krw, case.charges[0].ledger_krw) =
                (refunded_krw, 10_000 - refunded_krw);
        })
    };
    assert_eq!(cancelled(3_000), []);
    assert_eq!(cancelled(2_999), [Kind::RefundMissing]);
}

#[test]
fn car_is_held_for_an_open_change_only() {
    let held = |status: &str| {
        let change = Change {
            status: status.into(),
            ..extended().changes[0].clone()
        };
        let case = Case {
            booking: None,
            payment: None,
            own_change: Some(change),
            ..confirmed()
        };
        case.compare(at(1))
    };
    assert_eq!(held("requested"), []);
    assert_eq!(held("awaiting_payment"), []);
    assert_eq!(held("applied"), [Kind::OccupancyWithoutBooking]);
    assert_eq!(held("cancelled"), [Kind::OccupancyWithoutBooking]);
}
