//! Conversions between messages and domain types.

use std::str::FromStr;

use anyhow::Context as _;
use carshare_chassis as chassis;
use carshare_chassis::proto_types::{self, timestamp};
use carshare_proto::approximate_place::without_exact_place;
use carshare_proto::auth::v1::UserProfile;
use carshare_proto::booking::v1 as pb;
use carshare_proto::vehicle::v1::Vehicle;
use chrono::{DateTime, Utc};
use prost::Message as _;
use prost_types::Timestamp;

pub use super::terms::{policy, price_lines, rates, step};
use crate::domain::{
    Booking, Cancellation, CancellationReason, Party, PaymentStatus, Period, Status, UserId, VehicleId,
};
use crate::error::Error;
use crate::store::status_history;

/// Converts the time in `field`, which the rules of the contract require.
pub fn time(field: &'static str, timestamp: Option<Timestamp>) -> Result<DateTime<Utc>, Error> {
    let invalid = || chassis::Error::invalid(field, "올바른 시간이 아닙니다.", "is not a valid time");
    Ok(proto_types::to_datetime(timestamp).ok_or_else(invalid)?)
}

/// Converts the field `vehicle_id`.
pub fn vehicle_id(id: &str) -> Result<VehicleId, Error> {
    Ok(VehicleId::parse("vehicle_id", id)?)
}

/// Converts the fields `start_datetime` and `end_datetime`.
pub fn period(start: Option<Timestamp>, end: Option<Timestamp>) -> Result<Period, Error> {
    let (start, end) = (time("start_datetime", start)?, time("end_datetime", end)?);
    let invalid = || {
        chassis::Error::invalid(
            "end_datetime",
            "종료 시간은 시작 시간 이후여야 합니다.",
            "must be after start_datetime",
        )
    };
    Ok(Period::new(start, end).ok_or_else(invalid)?)
}

/// Decodes the car as it was when booked.
pub fn vehicle(booking: &Booking) -> Result<Vehicle, Error> {
    Vehicle::decode(booking.vehicle_snapshot.as_slice()).map_err(Error::internal)
}

/// Decodes the car as a viewer of the booking sees it: the license plate and the exact place are for the host and admins, and for the
/// guest once the booking is approved, unless it was cancelled.
fn shown_vehicle(booking: &Booking, viewer: UserId) -> Result<Vehicle, Error> {
    let vehicle = vehicle(booking)?;
    let is_agreed = matches!(
        booking.status,
        Status::Approved | Status::Active | Status::Completed
    );
    if is_agreed || viewer != booking.guest_id {
        return Ok(vehicle);
    }
    Ok(without_exact_place(vehicle))
}

/// Converts a booking for a viewer: its guest, its host or an admin.
pub fn booking(booking: &Booking, guest: Option<UserProfile>, viewer: UserId) -> Result<pb::Booking, Error> {
    Ok(pb::Booking {
        id: booking.id.to_string(),
        vehicle_id: booking.vehicle_id.to_string(),
        guest_id: booking.guest_id.to_string(),
        host_id: booking.host_id.to_string(),
        vehicle: Some(shown_vehicle(booking, viewer)?),
        guest,
        start_datetime: Some(timestamp(booking.period.start())),
        end_datetime: Some(timestamp(booking.period.end())),
        total_amount: booking.price.total_krw,
        platform_fee: booking.price.platform_fee_krw,
        status: status(booking.status).into(),
        payment_status: payment_status(booking.payment_status).into(),
        guest_message: booking.guest_message.clone(),
        host_response: booking.host_response.clone(),
        respond_by: Some(timestamp(booking.respond_by)),
        payment_due_at: booking.payment_due_at.map(timestamp),
        confirmed_at: booking.confirmed_at.map(timestamp),
        cancellation: booking.cancellation.as_ref().map(cancellation),
        created_at: Some(timestamp(booking.created_at)),
        updated_at: Some(timestamp(booking.updated_at)),
        pickup_photos: Vec::new(),
        return_photos: Vec::new(),
        price_lines: price_lines(&booking.price),
        vat_amount: booking.price.vat_krw(),
        cancellation_policy: Some(policy(&booking.policy, Some(booking.period.start()))),
    })
}

fn cancellation(from: &Cancellation) -> pb::Cancellation {
    pb::Cancellation {
        reason: reason(from.reason).into(),
        message: from.message.clone(),
        refund_amount: from.refund_krw,
        cancelled_at: Some(timestamp(from.cancelled_at)),
    }
}

/// Converts the status of a filter; `None` for all bookings.
pub fn status_filter(status: pb::BookingStatus) -> Option<Status> {
    match status {
        pb::BookingStatus::Unspecified => None,
        pb::BookingStatus::Pending => Some(Status::Pending),
        pb::BookingStatus::Approved => Some(Status::Approved),
        pb::BookingStatus::Rejected => Some(Status::Rejected),
        pb::BookingStatus::Active => Some(Status::Active),
        pb::BookingStatus::Completed => Some(Status::Completed),
        pb::BookingStatus::Cancelled => Some(Status::Cancelled),
    }
}

/// Converts the payment status of a filter; `None` for all bookings.
pub fn payment_status_filter(status: pb::PaymentStatus) -> Option<PaymentStatus> {
    match status {
        pb::PaymentStatus::Unspecified => None,
        pb::PaymentStatus::None => Some(PaymentStatus::None),
        pb::PaymentStatus::Pending => Some(PaymentStatus::Pending),
        pb::PaymentStatus::Failed => Some(PaymentStatus::Failed),
        pb::PaymentStatus::Paid => Some(PaymentStatus::Paid),
        pb::PaymentStatus::Refunded => Some(PaymentStatus::Refunded),
    }
}

/// Converts an entry of the history.
pub fn status_change(row: &status_history::Model) -> Result<pb::StatusChange, Error> {
    let from = row.from_status.as_deref().map(stored::<Status>).transpose()?;
    Ok(pb::StatusChange {
        from_status: from.map(|from| status(from).into()),
        to_status: status(stored(&row.to_status)?).into(),
        payment_status: payment_status(stored(&row.payment_status)?).into(),
        actor: actor(&row.actor)?.into(),
        actor_id: row.actor_id.map(|id| id.to_string()),
        reason: row.reason.clone(),
    })
}

fn stored<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(word: &str) -> Result<T, Error> {
    let parsed = word.parse().with_context(|| format!("{word} in a history"));
    parsed.map_err(Error::internal)
}

/// Converts a side of a booking to an originator of changes.
pub fn party(party: Party) -> pb::BookingActor {
    match party {
        Party::Guest => pb::BookingActor::Guest,
        Party::Host => pb::BookingActor::Host,
    }
}

fn actor(word: &str) -> Result<pb::BookingActor, Error> {
    let actor = pb::BookingActor::from_str_name(&format!("BOOKING_ACTOR_{}", word.to_uppercase()));
    let actor = actor.with_context(|| format!("actor {word} in a history"));
    actor.map_err(Error::internal)
}

fn status(status: Status) -> pb::BookingStatus {
    match status {
        Status::Pending => pb::BookingStatus::Pending,
        Status::Approved => pb::BookingStatus::Approved,
        Status::Rejected => pb::BookingStatus::Rejected,
        Status::Active => pb::BookingStatus::Active,
        Status::Completed => pb::BookingStatus::Completed,
        Status::Cancelled => pb::BookingStatus::Cancelled,
    }
}

pub fn payment_status(status: PaymentStatus) -> pb::PaymentStatus {
    match status {
        PaymentStatus::None => pb::PaymentStatus::None,
        PaymentStatus::Pending => pb::PaymentStatus::Pending,
        PaymentStatus::Failed => pb::PaymentStatus::Failed,
        PaymentStatus::Paid => pb::PaymentStatus::Paid,
        PaymentStatus::Refunded => pb::PaymentStatus::Refunded,
    }
}

pub fn reason(reason: CancellationReason) -> pb::CancellationReason {
    match reason {
        CancellationReason::Guest => pb::CancellationReason::Guest,
        CancellationReason::Host => pb::CancellationReason::Host,
        CancellationReason::Expired => pb::CancellationReason::Expired,
        CancellationReason::PaymentFailed => pb::CancellationReason::PaymentFailed,
        CancellationReason::PaymentOverdue => pb::CancellationReason::PaymentOverdue,
        CancellationReason::HoldLost => pb::CancellationReason::HoldLost,
        CancellationReason::NoShow => pb::CancellationReason::NoShow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::contract_word;
    use strum::VariantArray as _;

    #[test]
    fn domain_and_contract_spell_enums_alike() {
        for each in Status::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("BookingStatus", status(*each).into())
            );
            assert_eq!(status_filter(status(*each)), Some(*each));
        }
        for each in PaymentStatus::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("PaymentStatus", payment_status(*each).into())
            );
            assert_eq!(payment_status_filter(payment_status(*each)), Some(*each));
        }
        for each in CancellationReason::VARIANTS {
            assert_eq!(
                each.as_str(),
                contract_word("CancellationReason", reason(*each).into())
            );
        }
    }
}
