//! Erasure of the cars of deleted hosts. Unlike the rest of the module it finds withdrawn cars.

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, QueryOrder as _, QuerySelect as _};

use super::{ActiveModel, Column, Entity};
use crate::domain::{Coordinates, Location, UserId, VehicleId};
use crate::error::Result;

/// Lists up to `limit` cars of a host, withdrawn ones too, that are not erased.
pub async fn list_unerased(conn: &impl ConnectionTrait, owner: UserId, limit: u64) -> Result<Vec<VehicleId>> {
    let ids: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::OwnerId.eq(owner.0))
        .filter(Column::LicensePlate.ne(""))
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(ids.into_iter().map(VehicleId).collect())
}

/// Erases plate, exact place, description and the names of its rates of a withdrawn car.
pub async fn erase(conn: &impl ConnectionTrait, id: VehicleId) -> Result<()> {
    let withdrawn = Entity::find_by_id(id.0)
        .filter(Column::WithdrawnAt.is_not_null())
        .lock(LockType::NoKeyUpdate);
    let Some(row) = withdrawn.one(conn).await? else {
        return Ok(());
    };
    let exact = Location {
        address: row.location_address,
        coordinates: Coordinates {
            lat: row.location_lat,
            lng: row.location_lng,
        },
    };
    let Location { address, coordinates } = exact.approximate();
    let erased = ActiveModel {
        id: Unchanged(id.0),
        license_plate: Set(String::new()),
        location_address: Set(address),
        location_lat: Set(coordinates.lat),
        location_lng: Set(coordinates.lng),
        description: Set(None),
        pricing: Set(None),
        ..Default::default()
    };
    Entity::update(erased).exec(conn).await?;
    Ok(())
}
