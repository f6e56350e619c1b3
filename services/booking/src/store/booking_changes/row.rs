//! Conversions between changes and rows. A row that does not convert is a defect.

use anyhow::{Context as _, Result};

use super::Model;
use crate::domain::{BookingChange, BookingId, ChangeId, VehicleId};
use crate::error::Error;

pub(super) fn change(row: Model) -> Result<BookingChange, Error> {
    let id = row.id;
    read(row)
        .with_context(|| format!("row of change {id}"))
        .map_err(Error::internal)
}

fn read(row: Model) -> Result<BookingChange> {
    Ok(BookingChange {
        id: ChangeId(row.id),
        booking_id: BookingId(row.booking_id),
        version: row.version,
        kind: row.kind.parse().context(row.kind)?,
        status: row.status.parse().context(row.status)?,
        requested_by: row.requested_by.parse().context(row.requested_by)?,
        ends_at: row.ends_at,
        previous_ends_at: row.previous_ends_at,
        vehicle_id: VehicleId(row.vehicle_id),
        previous_vehicle_id: VehicleId(row.previous_vehicle_id),
        price: serde_json::from_value(row.price).context("price")?,
        difference_krw: row.difference_krw,
        message: row.message,
        response: row.response,
        respond_by: row.respond_by,
        payment_due_at: row.payment_due_at,
        vehicle_snapshot: row.vehicle_snapshot,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

pub(super) fn model(change: &BookingChange) -> Model {
    Model {
        id: change.id.0,
        booking_id: change.booking_id.0,
        version: change.version,
        kind: change.kind.as_str().to_owned(),
        status: change.status.as_str().to_owned(),
        requested_by: change.requested_by.as_str().to_owned(),
        ends_at: change.ends_at,
        previous_ends_at: change.previous_ends_at,
        vehicle_id: change.vehicle_id.0,
        previous_vehicle_id: change.previous_vehicle_id.0,
        price: serde_json::json!(change.price),
        difference_krw: change.difference_krw,
        message: change.message.clone(),
        response: change.response.clone(),
        respond_by: change.respond_by,
        payment_due_at: change.payment_due_at,
        vehicle_snapshot: change.vehicle_snapshot.clone(),
        created_at: change.created_at,
        updated_at: change.updated_at,
    }
}
