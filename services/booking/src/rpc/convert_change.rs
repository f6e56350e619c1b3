//! Conversions of changes of bookings.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;

use super::convert;
use crate::domain::BookingChange;
use crate::domain::booking_change::{ChangeKind, ChangeStatus};

pub fn change(change: &BookingChange) -> pb::BookingChange {
    pb::BookingChange {
        id: change.id.to_string(),
        booking_id: change.booking_id.to_string(),
        kind: kind(change.kind).into(),
        status: status(change.status).into(),
        requested_by: convert::party(change.requested_by).into(),
        end_datetime: Some(timestamp(change.ends_at)),
        previous_end_datetime: Some(timestamp(change.previous_ends_at)),
        vehicle_id: change.vehicle_id.to_string(),
        previous_vehicle_id: change.previous_vehicle_id.to_string(),
        total_amount: change.price.total_krw,
        amount_difference: change.difference_krw,
        message: change.message.clone(),
        response: change.response.clone(),
        respond_by: Some(timestamp(change.respond_by)),
        payment_due_at: change.payment_due_at.map(timestamp),
        created_at: Some(timestamp(change.created_at)),
        updated_at: Some(timestamp(change.updated_at)),
    }
}

fn kind(kind: ChangeKind) -> pb::BookingChangeKind {
    match kind {
        ChangeKind::Extension => pb::BookingChangeKind::Extension,
        ChangeKind::Shortening => pb::BookingChangeKind::Shortening,
        ChangeKind::VehicleSwap => pb::BookingChangeKind::VehicleSwap,
    }
}

fn status(status: ChangeStatus) -> pb::BookingChangeStatus {
    match status {
        ChangeStatus::Requested => pb::BookingChangeStatus::Requested,
        ChangeStatus::AwaitingPayment => pb::BookingChangeStatus::AwaitingPayment,
        ChangeStatus::Applied => pb::BookingChangeStatus::Applied,
        ChangeStatus::Declined => pb::BookingChangeStatus::Declined,
        ChangeStatus::Withdrawn => pb::BookingChangeStatus::Withdrawn,
        ChangeStatus::Expired => pb::BookingChangeStatus::Expired,
        ChangeStatus::PaymentFailed => pb::BookingChangeStatus::PaymentFailed,
        ChangeStatus::Cancelled => pb::BookingChangeStatus::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;
    use crate::rpc::contract_word;

    #[test]
    fn domain_and_contract_spell_enums_alike() {
        for each in ChangeKind::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("BookingChangeKind", kind(*each).into())
            );
        }
        for each in ChangeStatus::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("BookingChangeStatus", status(*each).into())
            );
        }
    }
}
