//! Conversions between bookings and rows. A row that does not convert is a defect.

use anyhow::{Context as _, Result};

use sea_orm::prelude::Json;
use serde::de::DeserializeOwned;

use super::{Column, Model, search};
use crate::domain::{
    Booking, BookingId, Cancellation, CancellationPolicy, ChangeId, Period, Price, UserId, VehicleId,
};
use crate::error::Error;

/// Columns that the insertion alone writes, for the previous release.
pub(super) const INSERTED_ONLY: [Column; 3] = [
    Column::RefundFullUntilS,
    Column::RefundPartUntilS,
    Column::RefundPartBps,
];

pub(super) fn booking(row: Model) -> Result<Booking, Error> {
    let id = row.id;
    read(row)
        .with_context(|| format!("row of booking {id}"))
        .map_err(Error::internal)
}

fn read(row: Model) -> Result<Booking> {
    let cancellation = cancellation(&row)?;
    let lines = json(row.price_lines).context("price_lines")?;
    let policy = json(row.policy).context("policy")?;
    let charges = json(row.charges).context("charges")?;
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
            lines: lines.unwrap_or_else(|| Price::lines_of_whole_hours(row.total_krw, row.hourly_rate_krw)),
        },
        policy: policy.unwrap_or_else(|| {
            CancellationPolicy::of_columns(
                row.refund_full_until_s,
                row.refund_part_until_s,
                row.refund_part_bps,
            )
        }),
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
        charges: charges.unwrap_or_default(),
        open_change: row.open_change_id.map(ChangeId),
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn json<T: DeserializeOwned>(column: Option<Json>) -> Result<Option<T>> {
    Ok(column.map(serde_json::from_value).transpose()?)
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

/// Converts a booking. [`INSERTED_ONLY`] columns are not those of the booking.
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
        refund_full_until_s: 0,
        refund_part_until_s: 0,
        refund_part_bps: 0,
        price_lines: Some(serde_json::json!(booking.price.lines)),
        policy: Some(serde_json::json!(booking.policy)),
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
        charges: (!booking.charges.is_empty()).then(|| serde_json::json!(booking.charges)),
        open_change_id: booking.open_change.map(|change| change.0),
        search_text: Some(search::text_of(booking)),
        created_at: booking.created_at,
        updated_at: booking.updated_at,
    }
}
