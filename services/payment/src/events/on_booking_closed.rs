//! Handles `booking.rejected`, `booking.expired` and `booking.cancelled`: no attempt begins any more, and what is captured
//! is refunded.

use carshare_chassis::proto_types::uuid;
use carshare_proto::booking::v1::{BookingCancelled, BookingExpired, BookingRejected, PaymentStatus};
use carshare_store::{EventMetadata, Tx};

use crate::domain::ids::{BookingId, RefundId};
use crate::domain::payment::BookingEnd;
use crate::domain::refund::Refund;
use crate::error::Error;
use crate::jobs;
use crate::store::{closed_bookings, payments, refunds};

/// Refunds everything: of these bookings nothing should have been captured.
const FULL_REFUND: Option<i64> = None;

pub(super) async fn rejected(tx: &Tx, _: &EventMetadata, event: &BookingRejected) -> Result<(), Error> {
    end_booking(tx, &event.booking_id, FULL_REFUND).await
}

pub(super) async fn expired(tx: &Tx, _: &EventMetadata, event: &BookingExpired) -> Result<(), Error> {
    end_booking(tx, &event.booking_id, FULL_REFUND).await
}

/// The event's amount is valid only if booking knew of the capture; else a charge may have been in progress.
pub(super) async fn cancelled(tx: &Tx, _: &EventMetadata, event: &BookingCancelled) -> Result<(), Error> {
    let refund_krw = match event.payment_status() {
        PaymentStatus::Paid | PaymentStatus::Refunded => Some(event.refund_amount.max(0)),
        PaymentStatus::Unspecified | PaymentStatus::None | PaymentStatus::Pending | PaymentStatus::Failed => {
            FULL_REFUND
        }
    };
    end_booking(tx, &event.booking_id, refund_krw).await
}

async fn end_booking(tx: &Tx, booking_id: &str, refund_krw: Option<i64>) -> Result<(), Error> {
    let booking = BookingId(uuid("booking_id", booking_id)?);
    let end = BookingEnd {
        at: tx.now(),
        refund_krw,
    };
    closed_bookings::lock(tx, booking).await?;
    closed_bookings::insert(tx, booking, end).await?;
    let Some(mut payment) = payments::lock_by_booking(tx, booking).await? else {
        return Ok(());
    };
    if let Some(owed_krw) = payment.end_booking(end) {
        let refund = Refund::new(RefundId(tx.new_id()), payment.id, owed_krw, tx.now());
        refunds::insert(tx, &refund).await?;
        tx.notify_job(jobs::REFUNDS);
    }
    payments::update(tx, &mut payment).await
}
