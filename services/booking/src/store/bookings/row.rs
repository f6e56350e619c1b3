//! Conversions between bookings and rows. A row that does not convert is a defect.

use anyhow::{Context as _, Result};

use super::Model;
use crate::domain::{Booking, BookingId, Cancellation, CancellationPolicy, Period, Price, UserId, VehicleId};
use crate::error::Error;

pub(super) fn booking(row: Model) -> Result<Booking, Error> {
    let id = row.id;
    read(row)
        .with_context(|| format!("row of booking {id}"))
        .map_err(Error::internal)
}

fn read(row: Model) -> Result<Booking> {
    let cancellation = cancellation(&row)?;
    Ok(Booking {
        id: BookingId(row.id),
        version: row.version,
        vehicle_id: VehicleId(row.vehicle_id),
        guest_id: UserId(row.guest_id),
        host_id: UserId(row.host_id),
        period: Period::new(row.starts_at, row.ends_at).context("period")?,
        price: Price {
            hourly_rate_krw: row.hourly_rate_krw,
            total_krw: row.total_krw,
            platform_fee_krw: row.platform_fee_krw,
        },
        policy: CancellationPolicy {
            full_until_s: row.refund_full_until_s,
            part_until_s: row.refund_part_until_s,
            part_bps: row.refund_part_bps,
        },
        vehicle_snapshot: row.vehicle_snapshot,
        status: row.status.parse().context(row.status)?,
        payment_status: row.payment_status.parse().context(row.payment_status)?,
        guest_message: row.guest_message,
        host_response: row.host_response,
        respond_by: row.respond_by,
        payment_due_at: row.payment_due_at,
        confirmed_at: row.confirmed_at,
        cancellation,
        refunded_krw: row.refunded_krw,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn cancellation(row: &Model) -> Result<Option<Cancellation>> {
    let Some(cancelled_at) = row.cancelled_at else {
        return Ok(None);
    };
    let reason = row.cancellation_reason.as_deref().context("reason")?;
    Ok(Some(Cancellation {
        reason: reason.parse().with_context(|| reason.to_owned())?,
        message: row.cancellation_message.clone(),
        refund_krw: row.refund_krw.context("refund_krw")?,
        cancelled_at,
    }))
}

pub(super) fn model(booking: &Booking) -> Model {
    let cancellation = booking.cancellation.as_ref();
    Model {
        id: booking.id.0,
        version: booking.version,
        vehicle_id: booking.vehicle_id.0,
        guest_id: booking.guest_id.0,
        host_id: booking.host_id.0,
        starts_at: booking.period.start(),
        ends_at: booking.period.end(),
        hourly_rate_krw: booking.price.hourly_rate_krw,
        total_krw: booking.price.total_krw,
        platform_fee_krw: booking.price.platform_fee_krw,
        refund_full_until_s: booking.policy.full_until_s,
        refund_part_until_s: booking.policy.part_until_s,
        refund_part_bps: booking.policy.part_bps,
        vehicle_snapshot: booking.vehicle_snapshot.clone(),
        status: booking.status.as_str().to_owned(),
        payment_status: booking.payment_status.as_str().to_owned(),
        guest_message: booking.guest_message.clone(),
        host_response: booking.host_response.clone(),
        respond_by: booking.respond_by,
        payment_due_at: booking.payment_due_at,
        confirmed_at: booking.confirmed_at,
        cancellation_reason: cancellation.map(|c| c.reason.as_str().to_owned()),
        cancellation_message: cancellation.and_then(|c| c.message.clone()),
        refund_krw: cancellation.map(|c| c.refund_krw),
        cancelled_at: cancellation.map(|c| c.cancelled_at),
        refunded_krw: booking.refunded_krw,
        created_at: booking.created_at,
        updated_at: booking.updated_at,
    }
}
