//! Handles `booking.approved`: creates the payment. The worker charges the guest's card or requests the payment.

use anyhow::Context as _;
use carshare_chassis::proto_types::{to_datetime, uuid};
use carshare_proto::booking::v1::{BookingApproved, BookingFacts};
use carshare_store::{EventMetadata, Tx};
use chrono::{DateTime, Utc};

use crate::domain::ids::{BookingId, GuestId, HostId, PaymentId};
use crate::domain::payment::{Payment, State};
use crate::error::Error;
use crate::jobs;
use crate::store::{closed_bookings, payments};

/// Characters of an order name that the provider accepts.
const MAX_ORDER_NAME_LEN: usize = 100;

/// Creates the payment, unless the booking has one or has ended.
pub(super) async fn handle(tx: &Tx, _: &EventMetadata, event: &BookingApproved) -> Result<(), Error> {
    let payment = new_payment(event, PaymentId(tx.new_id()), tx.now())?;
    closed_bookings::lock(tx, payment.booking_id).await?;
    if closed_bookings::exists(tx.conn(), payment.booking_id).await? {
        tracing::info!(booking_id = %payment.booking_id, "approval of an ended booking ignored");
        return Ok(());
    }
    payments::insert(tx, &payment).await?;
    tx.notify_job(jobs::CHARGES);
    Ok(())
}

fn new_payment(event: &BookingApproved, id: PaymentId, now: DateTime<Utc>) -> Result<Payment, Error> {
    let facts = event
        .booking
        .as_ref()
        .context("booking.approved without its booking")?;
    Ok(Payment {
        id,
        booking_id: BookingId(uuid("booking_id", &event.booking_id)?),
        guest_id: GuestId(uuid("guest_id", &facts.guest_id)?),
        host_id: HostId(uuid("host_id", &facts.host_id)?),
        order_id: id.order_id(),
        order_name: order_name(facts),
        amount_krw: facts.total_amount,
        fee_krw: facts.platform_fee,
        refunded_krw: 0,
        state: State::Due,
        last_attempt: 0,
        payment_key: None,
        method: None,
        failure_code: None,
        due_at: to_datetime(event.payment_due_at).context("payment_due_at")?,
        paid_at: None,
        rental_ends_at: to_datetime(facts.end_datetime).context("end_datetime")?,
        booking_end: None,
        next_check_at: Some(now),
        checks: 0,
        claim_lost: false,
        created_at: now,
        version: 0,
    })
}

fn order_name(facts: &BookingFacts) -> String {
    format!("카셰어링 {}", facts.vehicle_title)
        .trim_end()
        .chars()
        .take(MAX_ORDER_NAME_LEN)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_name_is_truncated() {
        let facts = |title: &str| BookingFacts {
            vehicle_title: title.to_owned(),
            ..Default::default()
        };
        assert_eq!(order_name(&facts("현대 아이오닉 5")), "카셰어링 현대 아이오닉 5");
        assert_eq!(order_name(&facts("")), "카셰어링");
        assert_eq!(order_name(&facts(&"가".repeat(200))).chars().count(), 100);
    }
}
