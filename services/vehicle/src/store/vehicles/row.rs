//! Conversions between cars and rows.

use anyhow::Context as _;
use sea_orm::ActiveValue::{NotSet, Set, Unchanged};
use sea_orm::prelude::Json;
use serde::Deserialize as _;

use super::{ActiveModel, Model};
use crate::domain::{
    Coordinates, Fuel, LicensePlate, Location, Pricing, Status, Transmission, UserId, Vehicle, VehicleId,
};
use crate::error::Error;

impl TryFrom<Model> for Vehicle {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let fuel = row.fuel_type.map(|text| text.parse::<Fuel>().context(text));
        let transmission = row
            .transmission
            .map(|text| text.parse::<Transmission>().context(text));
        Ok(Self {
            id: VehicleId(row.id),
            owner_id: UserId(row.owner_id),
            license_plate: LicensePlate::stored(row.license_plate),
            make: row.make,
            model: row.model,
            year: row.year,
            color: row.color,
            fuel: fuel.transpose()?,
            transmission: transmission.transpose()?,
            hourly_rate_krw: row.hourly_rate_krw,
            pricing: pricing(row.pricing)?,
            location: Location {
                address: row.location_address,
                coordinates: Coordinates {
                    lat: row.location_lat,
                    lng: row.location_lng,
                },
            },
            status: row.status.parse::<Status>().context(row.status)?,
            description: row.description,
            instant_book: row.instant_book,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl From<&Vehicle> for ActiveModel {
    /// Sets every column but the id and the time of withdrawal.
    fn from(vehicle: &Vehicle) -> Self {
        Self {
            id: Unchanged(vehicle.id.0),
            owner_id: Set(vehicle.owner_id.0),
            license_plate: Set(vehicle.license_plate.to_string()),
            make: Set(vehicle.make.clone()),
            model: Set(vehicle.model.clone()),
            year: Set(vehicle.year),
            color: Set(vehicle.color.clone()),
            fuel_type: Set(vehicle.fuel.map(|fuel| fuel.as_str().to_owned())),
            transmission: Set(vehicle.transmission.map(|kind| kind.as_str().to_owned())),
            hourly_rate_krw: Set(vehicle.hourly_rate_krw),
            pricing: Set(pricing_json(&vehicle.pricing)),
            location_address: Set(vehicle.location.address.clone()),
            location_lat: Set(vehicle.location.coordinates.lat),
            location_lng: Set(vehicle.location.coordinates.lng),
            status: Set(vehicle.status.as_str().to_owned()),
            description: Set(vehicle.description.clone()),
            created_at: Set(vehicle.created_at),
            updated_at: Set(vehicle.updated_at),
            withdrawn_at: NotSet,
            instant_book: Set(vehicle.instant_book),
        }
    }
}

fn pricing(stored: Option<Json>) -> Result<Pricing, Error> {
    let stored = stored.map(Pricing::deserialize).transpose();
    Ok(stored.context("pricing")?.unwrap_or_default())
}

/// Returns the column: NULL if there is none.
fn pricing_json(pricing: &Pricing) -> Option<Json> {
    (!pricing.is_empty()).then(|| serde_json::json!(pricing))
}
