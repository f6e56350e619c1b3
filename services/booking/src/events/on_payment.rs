//! Handles `payment.completed`, `payment.failed` and `payment.refunded`.

use carshare_proto::payment::v1::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use carshare_store::{EventMetadata, Tx};

use super::apply;
use crate::apply_change::Actor;
use crate::domain::ExternalEvent;
use crate::error::Error;

/// Confirms an approved booking. For a cancelled one payment refunds the capture by itself.
pub async fn completed(tx: &Tx, _: &EventMetadata, event: &PaymentCompleted) -> Result<(), Error> {
    apply(tx, &event.booking_id, ExternalEvent::Captured, Actor::Payment).await
}

/// Cancels an approved booking.
pub async fn failed(tx: &Tx, _: &EventMetadata, event: &PaymentFailed) -> Result<(), Error> {
    apply(tx, &event.booking_id, ExternalEvent::Declined, Actor::Payment).await
}

/// Records the refund of a cancelled booking.
pub async fn refunded(tx: &Tx, _: &EventMetadata, event: &PaymentRefunded) -> Result<(), Error> {
    apply(tx, &event.booking_id, ExternalEvent::Refunded, Actor::Payment).await
}
