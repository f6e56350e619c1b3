//! The row of a car, as a car and back.

use anyhow::Context as _;
use sea_orm::ActiveValue::{NotSet, Set, Unchanged};

use super::{ActiveModel, Model};
use crate::domain::{
    Coordinates, Fuel, LicensePlate, Location, Status, Transmission, UserId, Vehicle, VehicleId,
};
use crate::error::Error;

impl TryFrom<Model> for Vehicle {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let fuel = row
            .fuel_type
            .map(|word| Fuel::from_word(&word).context("unknown fuel"))
            .transpose()?;
        let gears = row
            .transmission
            .map(|word| Transmission::from_word(&word).context("unknown transmission"));
        Ok(Self {
            id: VehicleId(row.id),
            owner_id: UserId(row.owner_id),
            license_plate: LicensePlate::stored(row.license_plate),
            make: row.make,
            model: row.model,
            year: row.year,
            color: row.color,
            fuel,
            transmission: gears.transpose()?,
            hourly_rate_krw: row.hourly_rate_krw,
            place: Location {
                address: row.location_address,
                at: Coordinates {
                    lat: row.location_lat,
                    lng: row.location_lng,
                },
            },
            status: Status::from_word(&row.status).context("unknown status")?,
            description: row.description,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl From<&Vehicle> for ActiveModel {
    /// Every column but the id and the withdrawal, to be inserted or updated.
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
            transmission: Set(vehicle.transmission.map(|gears| gears.as_str().to_owned())),
            hourly_rate_krw: Set(vehicle.hourly_rate_krw),
            location_address: Set(vehicle.place.address.clone()),
            location_lat: Set(vehicle.place.at.lat),
            location_lng: Set(vehicle.place.at.lng),
            status: Set(vehicle.status.as_str().to_owned()),
            description: Set(vehicle.description.clone()),
            created_at: Set(vehicle.created_at),
            updated_at: Set(vehicle.updated_at),
            withdrawn_at: NotSet,
        }
    }
}
