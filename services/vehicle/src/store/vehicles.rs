//! Table `vehicles`. No function finds a withdrawn car, except for its erasure.

mod erasure;
mod nearby;
mod row;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, QuerySelect as _};

pub use erasure::{erase, list_unerased};
pub use nearby::{Candidate, list_nearby};

use super::columns::Columns;
use crate::domain::{Vehicle, VehicleId};
use crate::error::Result;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "vehicles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub license_plate: String,
    pub make: String,
    pub model: String,
    pub year: i32,
    pub color: Option<String>,
    pub fuel_type: Option<String>,
    pub transmission: Option<String>,
    pub hourly_rate_krw: i64,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub pricing: Option<Json>,
    pub location_address: String,
    pub location_lat: f64,
    pub location_lng: f64,
    pub status: String,
    pub description: Option<String>,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
    pub withdrawn_at: Option<ChronoDateTimeUtc>,
    pub instant_book: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Columns of a car `v`, as [`read`] expects them.
pub const COLUMNS: &str = "v.id, v.owner_id, v.license_plate, v.make, v.model, v.year, v.color, v.fuel_type, \
    v.transmission, v.hourly_rate_krw, v.pricing, v.location_address, v.location_lat, v.location_lng, v.status, v.description, \
    v.created_at, v.updated_at, v.instant_book";

/// Reads the columns [`COLUMNS`] of a car that is not withdrawn.
pub fn read(columns: &mut Columns<'_>) -> Result<Vehicle> {
    let row = Model {
        id: columns.read()?,
        owner_id: columns.read()?,
        license_plate: columns.read()?,
        make: columns.read()?,
        model: columns.read()?,
        year: columns.read()?,
        color: columns.read()?,
        fuel_type: columns.read()?,
        transmission: columns.read()?,
        hourly_rate_krw: columns.read()?,
        pricing: columns.read()?,
        location_address: columns.read()?,
        location_lat: columns.read()?,
        location_lng: columns.read()?,
        status: columns.read()?,
        description: columns.read()?,
        created_at: columns.read()?,
        updated_at: columns.read()?,
        withdrawn_at: None,
        instant_book: columns.read()?,
    };
    row.try_into()
}

/// Inserts a car. Violates the constraint `vehicles_license_plate` if another car has its plate.
pub async fn insert(conn: &impl ConnectionTrait, vehicle: &Vehicle) -> Result<()> {
    Entity::insert(ActiveModel::from(vehicle))
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

pub async fn find(conn: &impl ConnectionTrait, id: VehicleId) -> Result<Option<Vehicle>> {
    let row = Entity::find_by_id(id.0)
        .filter(Column::WithdrawnAt.is_null())
        .one(conn)
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// Locks a car until the transaction ends. Every transaction that writes to a car's calendar, photos or rules takes this
/// lock first.
pub async fn lock(conn: &impl ConnectionTrait, id: VehicleId) -> Result<Option<Vehicle>> {
    let found = Entity::find_by_id(id.0)
        .filter(Column::WithdrawnAt.is_null())
        .lock(LockType::NoKeyUpdate);
    found.one(conn).await?.map(TryInto::try_into).transpose()
}

/// Updates a car. The caller has locked it.
pub async fn update(conn: &impl ConnectionTrait, vehicle: &Vehicle) -> Result<()> {
    Entity::update(ActiveModel::from(vehicle)).exec(conn).await?;
    Ok(())
}

/// Withdraws a car permanently. The caller has locked it.
pub async fn withdraw(conn: &impl ConnectionTrait, id: VehicleId, now: DateTime<Utc>) -> Result<()> {
    let withdrawn = ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(id.0),
        status: sea_orm::ActiveValue::Set(crate::domain::Status::Inactive.as_str().to_owned()),
        updated_at: sea_orm::ActiveValue::Set(now),
        withdrawn_at: sea_orm::ActiveValue::Set(Some(now)),
        ..Default::default()
    };
    Entity::update(withdrawn).exec(conn).await?;
    Ok(())
}
