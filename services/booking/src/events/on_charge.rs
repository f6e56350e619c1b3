//! Handles `payment.charge_completed`, `payment.charge_failed` and `payment.charge_refunded`: charges for changes of bookings, and for claims
//! after them.

use carshare_proto::payment::v1::{ChargeCompleted, ChargeFailed, ChargeRefunded};
use carshare_store::{EventMetadata, Tx};

use super::{apply_to, log_without_effect};
use crate::domain::booking_change::transitions::Step;
use crate::domain::{Actor, Booking, BookingChange, BookingId, ChangeId, Claim, ClaimId};
use crate::error::Error;
use crate::store::{booking_changes, booking_claims, bookings};
use crate::{apply_booking_change, apply_claim};

/// What was charged.
enum Charged {
    Change(BookingChange),
    Claim(Claim),
}

/// Applies the change, or marks the claim as paid. One that is closed does neither: payment refunds its charge by itself.
pub async fn completed(tx: &Tx, _: &EventMetadata, event: &ChargeCompleted) -> Result<(), Error> {
    let Some((mut booking, charged)) = lock(tx, &event.booking_id, &event.charge_id).await? else {
        return Ok(());
    };
    match charged {
        Charged::Change(mut change) => {
            if !apply_booking_change::apply_paid(tx, &mut booking, &mut change, Actor::Payment).await? {
                log_without_effect(&change);
            }
            Ok(())
        }
        Charged::Claim(mut claim) => {
            let captured = claim.capture(tx.now()).is_ok();
            update_claim(tx, &mut booking, &mut claim, captured).await
        }
    }
}

/// Closes the change or the claim. The booking stays as it is.
pub async fn failed(tx: &Tx, _: &EventMetadata, event: &ChargeFailed) -> Result<(), Error> {
    let Some((mut booking, charged)) = lock(tx, &event.booking_id, &event.charge_id).await? else {
        return Ok(());
    };
    match charged {
        Charged::Change(mut change) => {
            let closed = booking.close_change(&mut change, Step::FailPayment, tx.now());
            if closed.is_err() {
                log_without_effect(&change);
                return Ok(());
            }
            apply_booking_change::update(tx, &mut booking, &mut change, Actor::Payment).await
        }
        Charged::Claim(mut claim) => {
            let failed = claim.fail_payment(tx.now()).is_ok();
            update_claim(tx, &mut booking, &mut claim, failed).await
        }
    }
}

/// Records a refund of the charge of an applied change, or of a claim.
pub async fn refunded(tx: &Tx, _: &EventMetadata, event: &ChargeRefunded) -> Result<(), Error> {
    let Some((booking, charged)) = lock(tx, &event.booking_id, &event.charge_id).await? else {
        return Ok(());
    };
    let refunded_krw = event.refunded_total;
    match charged {
        Charged::Change(change) => {
            let refunded =
                |booking: &mut Booking, now| booking.apply_change_refund(change.id, refunded_krw, now);
            apply_to(tx, booking, Actor::Payment, refunded).await
        }
        Charged::Claim(mut claim) => {
            if claim.record_refund(refunded_krw, tx.now()) {
                booking_claims::update(tx.conn(), &mut claim).await?;
            }
            Ok(())
        }
    }
}

/// Stores the step of a claim if one was taken.
async fn update_claim(
    tx: &Tx,
    booking: &mut Booking,
    claim: &mut Claim,
    is_taken: bool,
) -> Result<(), Error> {
    if !is_taken {
        let status = claim.status.as_str();
        tracing::info!(booking_id = %booking.id, claim_id = %claim.id, status, "event without effect");
        return Ok(());
    }
    apply_claim::update(tx, booking, claim, Actor::Payment).await
}

/// Locks a booking and finds what was charged. `None` for unknown ones, of which events are ignored.
async fn lock(tx: &Tx, booking: &str, charge: &str) -> Result<Option<(Booking, Charged)>, Error> {
    let booking = BookingId::parse("booking_id", booking)?;
    let charge = ChangeId::parse("charge_id", charge)?;
    let locked = bookings::lock(tx.conn(), booking).await?;
    let found = match locked {
        Some(booking) => find(tx, &booking, charge)
            .await?
            .map(|charged| (booking, charged)),
        None => None,
    };
    if found.is_none() {
        tracing::warn!(booking_id = %booking, charge_id = %charge, "event of an unknown charge");
    }
    Ok(found)
}

async fn find(tx: &Tx, booking: &Booking, charge: ChangeId) -> Result<Option<Charged>, Error> {
    let (conn, claim) = (tx.conn(), ClaimId(charge.0));
    match booking_changes::find_of(conn, booking.id, charge).await? {
        Some(change) => Ok(Some(Charged::Change(change))),
        None => Ok(booking_claims::find_of(conn, booking.id, claim)
            .await?
            .map(Charged::Claim)),
    }
}
