//! A row of `devices`.

use sea_orm::entity::prelude::*;

/// A phone or browser that receives pushes.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "devices")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The account that registered the token last.
    pub user_id: Uuid,
    pub token: String,
    /// `ios`, `android` or `web`.
    pub platform: String,
    /// When it was first registered.
    pub created_at: DateTimeUtc,
    /// When it was last registered.
    pub updated_at: DateTimeUtc,
}

/// None: other tables are reached by SQL.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl std::fmt::Debug for Model {
    /// Without the token, which lets its holder be written to.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}
