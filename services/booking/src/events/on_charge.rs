//! Handles `payment.charge_completed`, `payment.charge_failed` and `payment.charge_refunded`: charges for changes of bookings.

use carshare_proto::payment::v1::{ChargeCompleted, ChargeFailed, ChargeRefunded};
use carshare_store::{EventMetadata, Tx};

use super::{apply, lock_with_change, log_without_effect};
use crate::apply_booking_change;
use crate::domain::booking_change::transitions::Step;
use crate::domain::{Actor, Booking, BookingId, ChangeId};
use crate::error::Error;

/// Applies the change. One that is closed does not apply: payment refunds its charge by itself.
pub async fn completed(tx: &Tx, _: &EventMetadata, event: &ChargeCompleted) -> Result<(), Error> {
    let (booking, change) = ids(&event.booking_id, &event.charge_id)?;
    let Some((mut booking, mut change)) = lock_with_change(tx, booking, change).await? else {
        return Ok(());
    };
    if !apply_booking_change::apply_paid(tx, &mut booking, &mut change, Actor::Payment).await? {
        log_without_effect(&change);
    }
    Ok(())
}

/// Closes the change. The booking stays as it is.
pub async fn failed(tx: &Tx, _: &EventMetadata, event: &ChargeFailed) -> Result<(), Error> {
    let (booking, change) = ids(&event.booking_id, &event.charge_id)?;
    let Some((mut booking, mut change)) = lock_with_change(tx, booking, change).await? else {
        return Ok(());
    };
    if booking
        .close_change(&mut change, Step::FailPayment, tx.now())
        .is_err()
    {
        log_without_effect(&change);
        return Ok(());
    }
    apply_booking_change::update(tx, &mut booking, &mut change, Actor::Payment).await
}

/// Records a refund of the charge of an applied change.
pub async fn refunded(tx: &Tx, _: &EventMetadata, event: &ChargeRefunded) -> Result<(), Error> {
    let (booking, change) = ids(&event.booking_id, &event.charge_id)?;
    let refunded_krw = event.refunded_total;
    let refunded = move |booking: &mut Booking, now| booking.apply_change_refund(change, refunded_krw, now);
    apply(tx, booking, Actor::Payment, refunded).await
}

fn ids(booking: &str, charge: &str) -> Result<(BookingId, ChangeId), Error> {
    Ok((
        BookingId::parse("booking_id", booking)?,
        ChangeId::parse("charge_id", charge)?,
    ))
}
