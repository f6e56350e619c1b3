//! Loads a car for its host. To others it is NOT_FOUND, so that its existence is not revealed.

use sea_orm::ConnectionTrait;

use crate::domain::{UserId, Vehicle, VehicleId};
use crate::error::{Error, Result};
use crate::store::vehicles;

pub async fn find(conn: &impl ConnectionTrait, id: VehicleId, owner: UserId) -> Result<Vehicle> {
    owned(owner, vehicles::find(conn, id).await?)
}

pub async fn lock(conn: &impl ConnectionTrait, id: VehicleId, owner: UserId) -> Result<Vehicle> {
    owned(owner, vehicles::lock(conn, id).await?)
}

fn owned(owner: UserId, vehicle: Option<Vehicle>) -> Result<Vehicle> {
    vehicle
        .filter(|vehicle| vehicle.owner_id == owner)
        .ok_or(Error::VehicleNotFound)
}
