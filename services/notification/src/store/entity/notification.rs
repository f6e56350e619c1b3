//! A row of `notifications`.

use sea_orm::entity::prelude::*;

/// What one person was told once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    /// Position in the person's feed, from 1; the cursor of the live stream.
    pub seq: i64,
    /// The event behind it.
    pub event_id: Uuid,
    /// Dotted name of the event.
    pub kind: String,
    pub title: String,
    pub body: String,
    /// Ids, as a flat object of strings.
    pub data: Json,
    /// When it was read.
    pub read_at: Option<DateTimeUtc>,
    /// When it was written.
    pub created_at: DateTimeUtc,
}

/// None: other tables are reached by SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
