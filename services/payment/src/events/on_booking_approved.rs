//! `booking.approved`: the money is owed from now on. The worker charges the guest's card, or asks the guest.

use anyhow::Context as _;
use carshare_proto::booking::v1::{BookingApproved, BookingFacts};
use carshare_store::{EventMetadata, Tx};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::ids::{BookingId, GuestId, HostId, PaymentId};
use crate::domain::payment::{Payment, State};
use crate::error::Error;
use crate::jobs;
use crate::store::{closures, payments};

/// The provider's limit for an order's name.
const NAME_MAX: usize = 100;

/// Makes the payment, unless there is one or the booking is over already.
pub(super) async fn handle(tx: &Tx, _: &EventMetadata, event: &BookingApproved) -> Result<(), Error> {
    let payment = read(event, PaymentId(tx.new_id()), tx.now())?;
    closures::lock(tx, payment.booking_id).await?;
    if closures::exists(tx.conn(), payment.booking_id).await? {
        tracing::info!(booking_id = %payment.booking_id, "approved after its end, nothing is charged");
        return Ok(());
    }
    payments::insert(tx, &payment).await?;
    tx.notify_job(jobs::payments::NAME);
    Ok(())
}

fn read(event: &BookingApproved, id: PaymentId, now: DateTime<Utc>) -> anyhow::Result<Payment> {
    let facts = event
        .booking
        .as_ref()
        .context("booking.approved without its booking")?;
    let due_at = event
        .payment_due_at
        .as_ref()
        .and_then(|at| DateTime::from_timestamp(at.seconds, at.nanos.unsigned_abs()));
    Ok(Payment {
        id,
        booking_id: BookingId(Uuid::try_parse(&event.booking_id).context("booking_id")?),
        guest_id: GuestId(Uuid::try_parse(&facts.guest_id).context("guest_id")?),
        host_id: HostId(Uuid::try_parse(&facts.host_id).context("host_id")?),
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
        due_at: due_at.context("payment_due_at")?,
        paid_at: None,
        closing: None,
        next_check_at: Some(now),
        checks: 0,
        recheck: false,
        created_at: now,
        version: 0,
    })
}

fn order_name(facts: &BookingFacts) -> String {
    format!("카셰어링 {}", facts.vehicle_title)
        .trim_end()
        .chars()
        .take(NAME_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_name_fits_the_providers_limit() {
        let facts = |title: &str| BookingFacts {
            vehicle_title: title.to_owned(),
            ..Default::default()
        };
        assert_eq!(order_name(&facts("현대 아이오닉 5")), "카셰어링 현대 아이오닉 5");
        assert_eq!(order_name(&facts("")), "카셰어링");
        assert_eq!(order_name(&facts(&"가".repeat(200))).chars().count(), 100);
    }
}
