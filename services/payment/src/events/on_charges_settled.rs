//! Handles `booking.rejected`, `booking.expired` and `booking.cancelled`: no attempt begins any more, and what is captured is refunded.
//! `booking.change_closed` and `booking.claim_closed` do so for the charge of the change or claim, `booking.change_applied` refunds what a change takes
//! off, and moves the end of the rental, by which its payments are settled.

use std::collections::HashMap;

use anyhow::Context as _;
use carshare_chassis::proto_types::{to_datetime, uuid};
use carshare_proto::booking::v1::{
    BookingCancelled, BookingChangeApplied, BookingChangeClosed, BookingClaimClosed, BookingExpired,
    BookingRejected, ChargeRefund, PaymentStatus,
};
use carshare_store::{EventMetadata, Tx};
use uuid::Uuid;

use crate::domain::ids::BookingId;
use crate::domain::payment::{BookingEnd, Payment};
use crate::domain::refund::Origin;
use crate::error::Error;
use crate::refund_requests;
use crate::store::{closed_bookings, payments};

/// Refunds everything: of these bookings nothing should have been captured.
const FULL_REFUND: Option<i64> = None;

pub(super) async fn rejected(tx: &Tx, _: &EventMetadata, event: &BookingRejected) -> Result<(), Error> {
    end_booking(tx, &event.booking_id, FULL_REFUND, &[]).await
}

pub(super) async fn expired(tx: &Tx, _: &EventMetadata, event: &BookingExpired) -> Result<(), Error> {
    end_booking(tx, &event.booking_id, FULL_REFUND, &[]).await
}

/// The event's amount is valid only if booking knew of the capture; else a charge may have been in progress.
pub(super) async fn cancelled(tx: &Tx, _: &EventMetadata, event: &BookingCancelled) -> Result<(), Error> {
    let refund_krw = match event.payment_status() {
        PaymentStatus::Paid | PaymentStatus::Refunded => Some(event.refund_amount.max(0)),
        PaymentStatus::Unspecified | PaymentStatus::None | PaymentStatus::Pending | PaymentStatus::Failed => {
            FULL_REFUND
        }
    };
    end_booking(tx, &event.booking_id, refund_krw, &event.charges).await
}

pub(super) async fn change_closed(
    tx: &Tx,
    _: &EventMetadata,
    event: &BookingChangeClosed,
) -> Result<(), Error> {
    let change = event.change.as_ref().and_then(|facts| facts.change.as_ref());
    let change = change.context("booking.change_closed without its change")?;
    end_charge(tx, &event.booking_id, uuid("change_id", &change.id)?).await
}

pub(super) async fn claim_closed(
    tx: &Tx,
    _: &EventMetadata,
    event: &BookingClaimClosed,
) -> Result<(), Error> {
    let claim = event.claim.as_ref().and_then(|facts| facts.claim.as_ref());
    let claim = claim.context("booking.claim_closed without its claim")?;
    end_charge(tx, &event.booking_id, uuid("claim_id", &claim.id)?).await
}

/// Ends the payment of a change or claim. Nothing of it should have been captured.
async fn end_charge(tx: &Tx, booking_id: &str, charge: Uuid) -> Result<(), Error> {
    let booking = BookingId(uuid("booking_id", booking_id)?);
    let end = BookingEnd {
        at: tx.now(),
        refund_krw: FULL_REFUND,
    };
    closed_bookings::lock(tx, booking).await?;
    closed_bookings::insert(tx, charge, end).await?;
    let mut payments = payments::lock_all_of(tx, booking).await?;
    payments.retain(|payment| payment.charge_id.is_some_and(|id| id.0 == charge));
    for payment in &mut payments {
        end_payment(tx, payment, end).await?;
    }
    Ok(())
}

pub(super) async fn change_applied(
    tx: &Tx,
    _: &EventMetadata,
    event: &BookingChangeApplied,
) -> Result<(), Error> {
    let booking = BookingId(uuid("booking_id", &event.booking_id)?);
    let refunds = by_charge(&event.refunds)?;
    let facts = event.booking.as_ref();
    let ends_at = facts.and_then(|facts| to_datetime(facts.end_datetime));
    closed_bookings::lock(tx, booking).await?;
    for mut payment in payments::lock_all_of(tx, booking).await? {
        payment.rental_ends_at = ends_at.unwrap_or(payment.rental_ends_at);
        if let Some(total_krw) = refunds.get(&charge_of(&payment)) {
            payment.lower(*total_krw);
            refund_requests::insert_owed(tx, &payment, Origin::BookingChange).await?;
        }
        payments::update(tx, &mut payment).await?;
    }
    Ok(())
}

/// Ends the payments of a booking: each is refunded as `charges` says. Charges that are missing there are refunded in full, the price of the
/// booking by `refund_krw`.
async fn end_booking(
    tx: &Tx,
    booking_id: &str,
    refund_krw: Option<i64>,
    charges: &[ChargeRefund],
) -> Result<(), Error> {
    let booking = BookingId(uuid("booking_id", booking_id)?);
    let charges = by_charge(charges)?;
    let end = |refund_krw| BookingEnd {
        at: tx.now(),
        refund_krw,
    };
    closed_bookings::lock(tx, booking).await?;
    closed_bookings::insert(tx, booking.0, end(refund_krw)).await?;
    for mut payment in payments::lock_all_of(tx, booking).await? {
        let otherwise = match payment.charge_id {
            None => refund_krw,
            Some(_) => FULL_REFUND,
        };
        let refund_krw = charges.get(&charge_of(&payment)).copied().or(otherwise);
        end_payment(tx, &mut payment, end(refund_krw)).await?;
    }
    Ok(())
}

async fn end_payment(tx: &Tx, payment: &mut Payment, end: BookingEnd) -> Result<(), Error> {
    payment.end_booking(end);
    refund_requests::insert_owed(tx, payment, Origin::BookingEnd).await?;
    payments::update(tx, payment).await
}

/// Returns the id under which booking knows what the payment charges.
fn charge_of(payment: &Payment) -> Uuid {
    payment.charge_id.map_or(payment.booking_id.0, |charge| charge.0)
}

fn by_charge(refunds: &[ChargeRefund]) -> Result<HashMap<Uuid, i64>, Error> {
    let entry =
        |refund: &ChargeRefund| Ok((uuid("charge_id", &refund.charge_id)?, refund.refund_amount.max(0)));
    refunds.iter().map(entry).collect()
}
