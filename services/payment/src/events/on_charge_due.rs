//! Handles `booking.approved`, `booking.change_accepted` and `booking.claim_approved`: creates the payment of the price, of what a change adds
//! to it, or of a claim after the rental. The worker charges the guest's card or requests the payment.

use anyhow::Context as _;
use carshare_chassis::proto_types::{to_datetime, uuid};
use carshare_proto::booking::v1::{
    BookingApproved, BookingChangeAccepted, BookingClaimApproved, BookingFacts,
};
use carshare_store::{EventMetadata, Tx};
use chrono::{DateTime, Utc};
use prost_types::Timestamp;

use crate::domain::ids::{BookingId, ChargeId, GuestId, HostId, PaymentId};
use crate::domain::money::fee_of;
use crate::domain::payment::{Payment, State};
use crate::error::Error;
use crate::jobs;
use crate::store::{closed_bookings, payments};

/// Characters of an order name that the provider accepts.
const MAX_ORDER_NAME_LEN: usize = 100;

/// Creates the payment of the price, unless the booking has one or has ended.
pub(super) async fn approved(tx: &Tx, _: &EventMetadata, event: &BookingApproved) -> Result<(), Error> {
    let facts = event.booking.as_ref();
    let facts = facts.context("booking.approved without its booking")?;
    let price = Charge {
        id: None,
        amount_krw: facts.total_amount,
        fee_krw: facts.platform_fee,
        due_at: event.payment_due_at,
    };
    create(tx, facts, price).await
}

/// Creates the payment of what a change adds to the price, unless it has one, or the change or its booking has ended.
pub(super) async fn change_accepted(
    tx: &Tx,
    _: &EventMetadata,
    event: &BookingChangeAccepted,
) -> Result<(), Error> {
    let (facts, change) = (event.booking.as_ref(), event.change.as_ref());
    let facts = facts.context("booking.change_accepted without its booking")?;
    let change = change.and_then(|facts| facts.change.as_ref());
    let change = change.context("booking.change_accepted without its change")?;
    let charge = Charge {
        id: Some(ChargeId(uuid("change_id", &change.id)?)),
        amount_krw: change.amount_difference,
        fee_krw: fee_of(change.amount_difference),
        due_at: change.payment_due_at,
    };
    create(tx, facts, charge).await
}

/// Creates the payment of a claim, unless it has one or is closed.
pub(super) async fn claim_approved(
    tx: &Tx,
    _: &EventMetadata,
    event: &BookingClaimApproved,
) -> Result<(), Error> {
    let (facts, claim_facts) = (event.booking.as_ref(), event.claim.as_ref());
    let facts = facts.context("booking.claim_approved without its booking")?;
    let claim_facts = claim_facts.context("booking.claim_approved without its claim")?;
    let claim = claim_facts.claim.as_ref();
    let claim = claim.context("booking.claim_approved without its claim")?;
    let charge = Charge {
        id: Some(ChargeId(uuid("claim_id", &claim.id)?)),
        amount_krw: claim.approved_amount.context("approved_amount")?,
        fee_krw: claim_facts.platform_fee,
        due_at: claim.payment_due_at,
    };
    create(tx, facts, charge).await
}

/// What is to be charged.
struct Charge {
    /// Of the change or the claim; `None` for the price of the booking.
    id: Option<ChargeId>,
    amount_krw: i64,
    fee_krw: i64,
    due_at: Option<Timestamp>,
}

async fn create(tx: &Tx, facts: &BookingFacts, charge: Charge) -> Result<(), Error> {
    let payment = new_payment(facts, charge, PaymentId(tx.new_id()), tx.now())?;
    closed_bookings::lock(tx, payment.booking_id).await?;
    if closed_bookings::exists(tx.conn(), payment.booking_id, payment.charge_id).await? {
        tracing::info!(booking_id = %payment.booking_id, "charge of an ended booking, change or claim ignored");
        return Ok(());
    }
    payments::insert(tx, &payment).await?;
    tx.notify_job(jobs::CHARGES);
    Ok(())
}

fn new_payment(
    facts: &BookingFacts,
    charge: Charge,
    id: PaymentId,
    now: DateTime<Utc>,
) -> Result<Payment, Error> {
    Ok(Payment {
        id,
        booking_id: BookingId(uuid("booking_id", &facts.booking_id)?),
        charge_id: charge.id,
        guest_id: GuestId(uuid("guest_id", &facts.guest_id)?),
        host_id: HostId(uuid("host_id", &facts.host_id)?),
        order_id: id.order_id(),
        order_name: order_name(facts),
        amount_krw: charge.amount_krw,
        fee_krw: charge.fee_krw,
        // Changes and claims have no coupon of their own.
        platform_discount_krw: match charge.id {
            None => facts.platform_discount,
            Some(_) => 0,
        },
        refunded_krw: 0,
        state: State::Due,
        last_attempt: 0,
        payment_key: None,
        method: None,
        failure_code: None,
        due_at: to_datetime(charge.due_at).context("payment_due_at")?,
        paid_at: None,
        settled_at: None,
        rental_ends_at: to_datetime(facts.end_datetime).context("end_datetime")?,
        refund_due_krw: 0,
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
