//! `booking.rejected`, `booking.expired`, `booking.cancelled`: no charge is begun any more, and what was captured goes back
//! as far as the event says.

use anyhow::Context as _;
use carshare_proto::booking::v1::{BookingCancelled, BookingExpired, BookingRejected, PaymentStatus};
use carshare_store::{EventMetadata, Tx};
use uuid::Uuid;

use crate::domain::ids::{BookingId, RefundId};
use crate::domain::payment::Closing;
use crate::domain::refund::Refund;
use crate::error::Error;
use crate::jobs;
use crate::store::{closures, payments, refunds};

/// Nothing can have been captured rightly: should there be anything, all of it goes back.
const EVERYTHING: Option<i64> = None;

pub(super) async fn on_rejected(tx: &Tx, _: &EventMetadata, event: &BookingRejected) -> Result<(), Error> {
    close(tx, &event.booking_id, EVERYTHING).await
}

pub(super) async fn on_expired(tx: &Tx, _: &EventMetadata, event: &BookingExpired) -> Result<(), Error> {
    close(tx, &event.booking_id, EVERYTHING).await
}

/// The amount is only meant when booking knew of the capture: else a charge may have been under way.
pub(super) async fn on_cancelled(tx: &Tx, _: &EventMetadata, event: &BookingCancelled) -> Result<(), Error> {
    let refund_krw = match event.payment_status() {
        PaymentStatus::Paid | PaymentStatus::Refunded => Some(event.refund_amount.max(0)),
        PaymentStatus::Unspecified | PaymentStatus::None | PaymentStatus::Pending | PaymentStatus::Failed => {
            EVERYTHING
        }
    };
    close(tx, &event.booking_id, refund_krw).await
}

async fn close(tx: &Tx, booking_id: &str, refund_krw: Option<i64>) -> Result<(), Error> {
    let booking = BookingId(Uuid::try_parse(booking_id).context("booking_id")?);
    let closing = Closing {
        at: tx.now(),
        refund_krw,
    };
    closures::lock(tx, booking).await?;
    closures::insert(tx, booking, closing).await?;
    let Some(mut payment) = payments::lock_by_booking(tx, booking).await? else {
        return Ok(());
    };
    if let Some(owed_krw) = payment.close(closing) {
        refunds::insert(
            tx,
            &Refund::owed(RefundId(tx.new_id()), payment.id, owed_krw, tx.now()),
        )
        .await?;
        tx.notify_job(jobs::refunds::NAME);
    }
    payments::update(tx, &mut payment).await
}
