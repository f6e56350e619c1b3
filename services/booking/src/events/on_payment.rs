//! What payment tells: the money is captured, declined, given back.

use carshare_proto::payment::v1::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use carshare_store::{EventMetadata, Tx};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::hear;
use crate::domain::News;
use crate::error::Error;
use crate::record::Actor;

/// An approved booking is confirmed. One that is called off has nothing to confirm: payment gives the money back by itself.
pub fn completed<'t>(
    tx: &'t Tx,
    _: &'t EventMetadata,
    event: &'t PaymentCompleted,
) -> BoxFuture<'t, Result<(), Error>> {
    hear(tx, &event.booking_id, News::Captured, Actor::Payment).boxed()
}

/// An approved booking is called off.
pub fn failed<'t>(tx: &'t Tx, _: &'t EventMetadata, event: &'t PaymentFailed) -> BoxFuture<'t, Result<(), Error>> {
    hear(tx, &event.booking_id, News::Declined, Actor::Payment).boxed()
}

/// The money of a cancelled booking is back.
pub fn refunded<'t>(tx: &'t Tx, _: &'t EventMetadata, event: &'t PaymentRefunded) -> BoxFuture<'t, Result<(), Error>> {
    hear(tx, &event.booking_id, News::GivenBack, Actor::Payment).boxed()
}
