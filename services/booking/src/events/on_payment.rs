//! Handles `payment.completed`, `payment.failed` and `payment.refunded`.

use carshare_proto::payment::v1::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use carshare_store::{EventMetadata, Tx};

use super::apply;
use crate::domain::{Actor, Booking, BookingId, ExternalEvent};
use crate::error::Error;

/// Confirms an approved booking. For a cancelled one payment refunds the capture by itself.
pub async fn completed(tx: &Tx, _: &EventMetadata, event: &PaymentCompleted) -> Result<(), Error> {
    let id = BookingId::parse("booking_id", &event.booking_id)?;
    apply(tx, id, Actor::Payment, Booking::apply_capture).await
}

/// Cancels an approved booking.
pub async fn failed(tx: &Tx, _: &EventMetadata, event: &PaymentFailed) -> Result<(), Error> {
    let id = BookingId::parse("booking_id", &event.booking_id)?;
    let declined = |booking: &mut Booking, now| booking.apply(ExternalEvent::Declined, now);
    apply(tx, id, Actor::Payment, declined).await
}

/// Records a refund. A booking that was to take place is cancelled when everything was refunded.
pub async fn refunded(tx: &Tx, _: &EventMetadata, event: &PaymentRefunded) -> Result<(), Error> {
    let id = BookingId::parse("booking_id", &event.booking_id)?;
    let (refunded_krw, captured_krw) = (event.refunded_total, event.captured_amount);
    let refunded = move |booking: &mut Booking, now| booking.apply_refund(refunded_krw, captured_krw, now);
    apply(tx, id, Actor::Payment, refunded).await
}
