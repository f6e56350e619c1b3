//! Handles events of payment: captured, declined, refunded.

use carshare_proto::payment::v1::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use carshare_store::{EventMetadata, Tx};

use super::apply;
use crate::apply_change::Actor;
use crate::domain::ExternalEvent;
use crate::error::Error;

/// An approved booking is confirmed. One that is called off has nothing to confirm: payment gives the money back by itself.
pub async fn completed(tx: &Tx, _: &EventMetadata, event: &PaymentCompleted) -> Result<(), Error> {
    apply(tx, &event.booking_id, ExternalEvent::Captured, Actor::Payment).await
}

/// An approved booking is called off.
pub async fn failed(tx: &Tx, _: &EventMetadata, event: &PaymentFailed) -> Result<(), Error> {
    apply(tx, &event.booking_id, ExternalEvent::Declined, Actor::Payment).await
}

/// The money of a cancelled booking is back.
pub async fn refunded(tx: &Tx, _: &EventMetadata, event: &PaymentRefunded) -> Result<(), Error> {
    apply(tx, &event.booking_id, ExternalEvent::Refunded, Actor::Payment).await
}
