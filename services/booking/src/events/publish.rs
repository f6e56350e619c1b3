//! Publishes domain events as messages of the contract.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use crate::domain::{Booking, Cancellation, Event};
use crate::error::Error;
use crate::rpc::convert;

/// Appends the event about a booking as it is now. It is sent when the transaction commits.
pub async fn event(tx: &Tx, booking: &Booking, event: Event) -> Result<(), Error> {
    let (booking_id, facts) = (booking.id.to_string(), Some(facts(booking)?));
    let published = match event {
        Event::Requested => tx.publish(&requested(booking, facts)).await,
        Event::Approved => tx.publish(&approved(booking, facts)).await,
        Event::Rejected => tx.publish(&rejected(booking, facts)).await,
        Event::Expired => {
            tx.publish(&pb::BookingExpired {
                booking_id,
                booking: facts,
            })
            .await
        }
        Event::Confirmed => {
            tx.publish(&pb::BookingConfirmed {
                booking_id,
                booking: facts,
            })
            .await
        }
        Event::Cancelled => tx.publish(&cancelled(booking, facts)?).await,
        Event::Started => {
            tx.publish(&pb::BookingStarted {
                booking_id,
                booking: facts,
            })
            .await
        }
        Event::Completed => {
            tx.publish(&pb::BookingCompleted {
                booking_id,
                booking: facts,
            })
            .await
        }
    };
    Ok(published?)
}

fn requested(booking: &Booking, facts: Option<pb::BookingFacts>) -> pb::BookingRequested {
    pb::BookingRequested {
        booking_id: booking.id.to_string(),
        booking: facts,
        guest_message: booking.guest_message.clone(),
        respond_by: Some(timestamp(booking.respond_by)),
    }
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

/// While the money is pending we cannot know whether a charge goes through behind our back. The amount is zero then, and
/// the payment service refunds whatever it captures, or has captured, in full (`payment_status` says so).
fn cancelled(booking: &Booking, facts: Option<pb::BookingFacts>) -> Result<pb::BookingCancelled, Error> {
    let Some(Cancellation {
        reason,
        message,
        refund_krw,
        ..
    }) = booking.cancellation.clone()
    else {
        return Err(Error::internal(anyhow::anyhow!(
            "booking {} is not cancelled",
            booking.id
        )));
    };
    Ok(pb::BookingCancelled {
        booking_id: booking.id.to_string(),
        booking: facts,
        reason: convert::reason(reason).into(),
        message,
        refund_amount: refund_krw,
        payment_status: convert::payment_status(booking.payment_status).into(),
    })
}

fn facts(booking: &Booking) -> Result<pb::BookingFacts, Error> {
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
    })
}
