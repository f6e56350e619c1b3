//! `vehicles`, without the generated column `place`, which only the search reads.

use sea_orm::entity::prelude::*;

#[expect(
    clippy::struct_field_names,
    reason = "a car has a model, and sea-orm calls a row so"
)]
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
    pub location_address: String,
    pub location_lat: f64,
    pub location_lng: f64,
    pub status: String,
    pub description: Option<String>,
    pub created_at: ChronoDateTimeUtc,
    pub updated_at: ChronoDateTimeUtc,
    pub withdrawn_at: Option<ChronoDateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
