//! Publishes domain events as messages of the contract.

use anyhow::Context as _;
use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use crate::domain::booking::Share;
use crate::domain::{Booking, Cancellation, Coupon, Event};
use crate::error::Error;
use crate::rpc::convert;

/// Publishes an event about a booking in its current state.
pub fn event(tx: &Tx, of: &Booking, event: Event) -> Result<(), Error> {
    let (booking_id, booking) = (of.id.to_string(), Some(facts(of)?));
    match event {
        Event::Requested => tx.publish(&requested(of, booking)?),
        Event::Approved => tx.publish(&approved(of, booking)),
        Event::Rejected => tx.publish(&rejected(of, booking)),
        Event::Expired => tx.publish(&pb::BookingExpired { booking_id, booking }),
        Event::Confirmed => tx.publish(&pb::BookingConfirmed { booking_id, booking }),
        Event::Cancelled => tx.publish(&cancelled(of, booking)?),
        Event::Started => tx.publish(&pb::BookingStarted { booking_id, booking }),
        Event::Completed => tx.publish(&pb::BookingCompleted { booking_id, booking }),
    }
    Ok(())
}

/// Publishes that the guest has got a coupon for the cancellation of the booking.
pub fn compensated(tx: &Tx, booking: &Booking, coupon: &Coupon) -> Result<(), Error> {
    tx.publish(&pb::BookingCompensated {
        booking_id: booking.id.to_string(),
        booking: Some(facts(booking)?),
        coupon_code: coupon.code.to_string(),
        amount: booking.compensation_krw(),
        valid_until: Some(timestamp(coupon.valid_until)),
    });
    Ok(())
}

fn requested(booking: &Booking, facts: Option<pb::BookingFacts>) -> Result<pb::BookingRequested, Error> {
    Ok(pb::BookingRequested {
        booking_id: booking.id.to_string(),
        booking: facts,
        guest_message: booking.guest_message.clone(),
        respond_by: Some(timestamp(booking.respond_by)),
        instant_book: convert::vehicle(booking)?.instant_book,
    })
}

fn approved(booking: &Booking, facts: Option<pb::BookingFacts>) -> pb::BookingApproved {
    pb::BookingApproved {
        booking_id: booking.id.to_string(),
        booking: facts,
        host_response: booking.host_response.clone(),
        payment_due_at: booking.payment_due_at.map(timestamp),
    }
}

fn rejected(booking: &Booking, facts: Option<pb::BookingFacts>) -> pb::BookingRejected {
    pb::BookingRejected {
        booking_id: booking.id.to_string(),
        booking: facts,
        host_response: booking.host_response.clone(),
    }
}

/// While the payment is pending a charge may be in progress. The refund is zero then, and `payment_status` makes the payment
/// service refund in full whatever it captures or has captured.
fn cancelled(booking: &Booking, facts: Option<pb::BookingFacts>) -> Result<pb::BookingCancelled, Error> {
    let cancellation = booking
        .cancellation
        .clone()
        .context("a booking without cancellation cannot be published as cancelled");
    let Cancellation {
        reason,
        message,
        refund_krw,
        ..
    } = cancellation.map_err(Error::internal)?;
    Ok(pb::BookingCancelled {
        booking_id: booking.id.to_string(),
        booking: facts,
        reason: convert::reason(reason).into(),
        message,
        refund_amount: refund_krw,
        payment_status: convert::payment_status(booking.payment_status).into(),
        charges: booking
            .refunds_of_cancellation()
            .iter()
            .map(charge_refund)
            .collect(),
    })
}

pub(super) fn charge_refund(share: &Share) -> pb::ChargeRefund {
    pb::ChargeRefund {
        charge_id: share.charge.to_string(),
        refund_amount: share.amount_krw,
    }
}

/// Returns the data of a booking that every event has.
pub(super) fn facts(booking: &Booking) -> Result<pb::BookingFacts, Error> {
    let vehicle = convert::vehicle(booking)?;
    Ok(pb::BookingFacts {
        booking_id: booking.id.to_string(),
        vehicle_id: booking.vehicle_id.to_string(),
        guest_id: booking.guest_id.to_string(),
        host_id: booking.host_id.to_string(),
        vehicle_title: format!("{} {}", vehicle.make, vehicle.model),
        start_datetime: Some(timestamp(booking.period.start())),
        end_datetime: Some(timestamp(booking.period.end())),
        total_amount: booking.price.total_krw,
        platform_fee: booking.price.platform_fee_krw,
        platform_discount: booking.price.platform_discount_krw(),
    })
}
