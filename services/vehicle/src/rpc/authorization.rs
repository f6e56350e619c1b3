//! Loads a car for its host. Another host's car is NOT_FOUND, so that its existence is not revealed.

use sea_orm::ConnectionTrait;

use crate::domain::{UserId, Vehicle, VehicleId};
use crate::error::{Error, Result};
use crate::store::vehicles;

pub async fn find(conn: &impl ConnectionTrait, id: VehicleId, owner: UserId) -> Result<Vehicle> {
    of(owner, vehicles::find(conn, id).await?)
}

/// The host's car, locked.
pub async fn lock(conn: &impl ConnectionTrait, id: VehicleId, owner: UserId) -> Result<Vehicle> {
    of(owner, vehicles::lock(conn, id).await?)
}

fn of(owner: UserId, vehicle: Option<Vehicle>) -> Result<Vehicle> {
    vehicle
        .filter(|vehicle| vehicle.owner_id == owner)
        .ok_or(Error::VehicleNotFound)
}
