//! Publishes events of changes of bookings.

use carshare_proto::booking::v1 as pb;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_store::Tx;
use prost::Message as _;

use super::publish;
use crate::domain::booking_change::ChangeStatus;
use crate::domain::{Booking, BookingChange};
use crate::error::Error;
use crate::rpc::convert_change;

/// Publishes the step that led to the status of a change, with the booking after it.
pub fn event(tx: &Tx, of: &Booking, change: &BookingChange) -> Result<(), Error> {
    let booking_id = of.id.to_string();
    let facts = publish::facts(of)?;
    let title = facts.vehicle_title.clone();
    let (booking, change_facts) = (Some(facts), Some(change_facts(change, title)?));
    match change.status {
        ChangeStatus::Requested => tx.publish(&pb::BookingChangeRequested {
            booking_id,
            booking,
            change: change_facts,
        }),
        ChangeStatus::AwaitingPayment => tx.publish(&pb::BookingChangeAccepted {
            booking_id,
            booking,
            change: change_facts,
        }),
        ChangeStatus::Applied => tx.publish(&pb::BookingChangeApplied {
            booking_id,
            booking,
            change: change_facts,
            refunds: refunds(of, change),
        }),
        ChangeStatus::Declined
        | ChangeStatus::Withdrawn
        | ChangeStatus::Expired
        | ChangeStatus::PaymentFailed
        | ChangeStatus::Cancelled => tx.publish(&pb::BookingChangeClosed {
            booking_id,
            booking,
            change: change_facts,
        }),
    }
    Ok(())
}

fn refunds(booking: &Booking, change: &BookingChange) -> Vec<pb::ChargeRefund> {
    if change.difference_krw >= 0 {
        return Vec::new();
    }
    let refunds = booking.refunds_of_changes();
    refunds.iter().map(publish::charge_refund).collect()
}

/// Returns the change with the title of its car: that of the booking, unless it is a swap. Only the request has a message.
fn change_facts(change: &BookingChange, booked_title: String) -> Result<pb::BookingChangeFacts, Error> {
    let vehicle_title = match &change.vehicle_snapshot {
        Some(snapshot) => {
            let vehicle = Vehicle::decode(snapshot.as_slice()).map_err(Error::internal)?;
            format!("{} {}", vehicle.make, vehicle.model)
        }
        None => booked_title,
    };
    let mut message = convert_change::change(change);
    if change.status != ChangeStatus::Requested {
        message.message = None;
        message.response = None;
    }
    Ok(pb::BookingChangeFacts {
        change: Some(message),
        vehicle_title,
    })
}
