//! Each kind of difference, made from rows that agree.

use super::*;

pub fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)
}

/// A confirmed and paid booking of 40,000 won.
pub fn confirmed() -> Case {
    let [id, vehicle_id, guest_id, host_id] = [1, 2, 3, 4].map(Uuid::from_u128);
    Case {
        booking_id: id,
        booking: Some(Booking {
            id,
            vehicle_id,
            guest_id,
            host_id,
            starts_at: at(10),
            ends_at: at(14),
            first_charge_krw: 40_000,
            lowered_krw: 0,
            status: "approved".into(),
            payment_status: "paid".into(),
            confirmed: true,
            refund_krw: None,
            refunded_krw: 0,
            handover_intact: true,
            changes_agree: true,
        }),
        occupancy: Some(Occupancy {
            ref_id: id,
            vehicle_id,
            starts_at: at(10),
            ends_at: at(14),
            expires_at: None,
        }),
        payment: Some(Payment {
            booking_id: id,
            charge_id: None,
            guest_id,
            host_id,
            amount_krw: 40_000,
            refunded_krw: 0,
            order_id: "order".into(),
            provider_key: Some("key".into()),
            attempted: true,
            captured: true,
            failed: false,
            updated_at: at(0),
            ledger_krw: 40_000,
        }),
        charges: Vec::new(),
        changes: Vec::new(),
        claims: Vec::new(),
        own_change: None,
        review: None,
    }
}

/// The same, cancelled with 30,000 won to refund.
fn cancelled() -> Case {
    let mut case = confirmed();
    case.occupancy = None;
    let booking = case.booking.as_mut().expect("a booking");
    booking.status = "cancelled".into();
    booking.payment_status = "refunded".into();
    (booking.refund_krw, booking.refunded_krw) = (Some(30_000), 30_000);
    let payment = case.payment.as_mut().expect("a payment");
    payment.refunded_krw = 30_000;
    payment.ledger_krw = 10_000;
    case
}

fn changed(mut case: Case, change: impl FnOnce(&mut Booking, &mut Payment)) -> Vec<Kind> {
    let (booking, payment) = (case.booking.as_mut(), case.payment.as_mut());
    change(booking.expect("a booking"), payment.expect("a payment"));
    case.compare(at(1))
}

#[test]
fn agreeing_rows_have_no_difference() {
    assert_eq!(confirmed().compare(at(1)), []);
    assert_eq!(cancelled().compare(at(1)), []);
    let partial = changed(confirmed(), |booking, payment| {
        booking.refunded_krw = 1_000;
        payment.refunded_krw = 1_000;
        payment.ledger_krw = 39_000;
    });
    assert_eq!(partial, []);
}

#[test]
fn calendar_differences_are_found() {
    let occupied = |status: &str| changed(confirmed(), |booking, _| status.clone_into(&mut booking.status));
    assert_eq!(occupied("completed"), []);
    assert_eq!(occupied("rejected"), [Kind::OccupancyWithoutBooking]);
    let free = Case {
        occupancy: None,
        ..confirmed()
    };
    assert_eq!(free.compare(at(1)), [Kind::BookingWithoutOccupancy]);
    let moved = changed(confirmed(), |booking, _| booking.ends_at = at(15));
    assert_eq!(moved, [Kind::OccupancyDiffers]);
    let other_car = changed(confirmed(), |booking, _| booking.vehicle_id = Uuid::nil());
    assert_eq!(other_car, [Kind::OccupancyDiffers]);
}

#[test]
fn occupancy_without_a_booking_is_found_and_a_fresh_hold_is_not() {
    let orphan = |expires_at| {
        let mut case = confirmed();
        case.booking = None;
        case.payment = None;
        case.occupancy.as_mut().expect("an occupancy").expires_at = expires_at;
        case.compare(at(1))
    };
    assert_eq!(orphan(None), [Kind::OccupancyWithoutBooking]);
    assert_eq!(orphan(Some(at(2))), []);
    assert_eq!(orphan(Some(at(0))), [Kind::HoldPastExpiry]);
}

#[test]
fn payment_differences_are_found() {
    let unpaid = Case {
        payment: None,
        ..confirmed()
    };
    assert_eq!(
        unpaid.compare(at(1)),
        [Kind::ConfirmedNotPaid, Kind::PaymentStatusDiffers]
    );
    let orphan = Case {
        booking: None,
        occupancy: None,
        ..confirmed()
    };
    assert_eq!(orphan.compare(at(1)), [Kind::PaymentWithoutBooking]);
    let mut settled = orphan;
    let payment = settled.payment.as_mut().expect("a payment");
    (payment.refunded_krw, payment.ledger_krw) = (payment.amount_krw, 0);
    assert_eq!(settled.compare(at(1)), []);
    let price = changed(confirmed(), |booking, _| booking.first_charge_krw = 41_000);
    assert_eq!(price, [Kind::PaymentTermsDiffer]);
    let status = changed(cancelled(), |booking, _| {
        booking.payment_status = "pending".into();
    });
    assert_eq!(status, [Kind::PaymentStatusDiffers]);
    let refund = changed(cancelled(), |booking, _| booking.refund_krw = Some(40_000));
    assert_eq!(refund, [Kind::RefundMissing]);
    let total = changed(cancelled(), |booking, _| booking.refunded_krw = 29_000);
    assert_eq!(total, [Kind::RefundTotalDiffers]);
    let ledger = changed(confirmed(), |_, payment| payment.ledger_krw = 0);
    assert_eq!(ledger, [Kind::LedgerDiffers]);
}

#[test]
fn approved_booking_without_a_chargeable_payment_is_found() {
    let unpaid = |change: fn(&mut Payment)| {
        let mut case = confirmed();
        let booking = case.booking.as_mut().expect("a booking");
        (booking.payment_status, booking.confirmed) = ("pending".into(), false);
        let payment = case.payment.as_mut().expect("a payment");
        (payment.captured, payment.ledger_krw) = (false, 0);
        change(payment);
        case
    };
    let requested = unpaid(|_| {});
    assert_eq!(requested.compare(at(1)), []);
    let failed = unpaid(|payment| payment.failed = true);
    assert_eq!(failed.compare(at(1)), [Kind::PaymentStatusDiffers]);
    let missing = Case {
        payment: None,
        ..requested
    };
    assert_eq!(missing.compare(at(1)), [Kind::PaymentMissing]);
}

#[test]
fn provider_differences_are_found() {
    let payment = confirmed().payment.expect("a payment");
    assert_eq!(payment.compare_with_provider(Some((40_000, 0))), None);
    assert_eq!(
        payment.compare_with_provider(Some((40_000, 1_000))),
        Some(Kind::ProviderAmountDiffers)
    );
    assert_eq!(
        payment.compare_with_provider(None),
        Some(Kind::CaptureUnknownToProvider)
    );
    let failed = Payment {
        captured: false,
        ..payment
    };
    assert_eq!(failed.compare_with_provider(None), None);
    assert_eq!(
        failed.compare_with_provider(Some((40_000, 0))),
        Some(Kind::CaptureNotRecorded)
    );
}

#[test]
fn shown_review_is_counted_and_another_one_is_not() {
    for (is_shown, is_counted) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut case = confirmed();
        case.review = Some(Review {
            booking_id: case.booking_id,
            id: Uuid::from_u128(5),
            is_shown,
            is_counted,
        });
        let expected = if is_shown == is_counted {
            vec![]
        } else {
            vec![Kind::RatingDiffers]
        };
        assert_eq!(case.compare(at(1)), expected);
    }
}
