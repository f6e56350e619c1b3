//! `devices`.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, raw_sql};
use uuid::Uuid;

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

/// Registers a token. One that is known moves to this account and keeps its id.
pub async fn upsert(
    db: &impl ConnectionTrait,
    id: Uuid,
    user_id: Uuid,
    token: &str,
    platform: &str,
    now: DateTime<Utc>,
) -> Result<Model, DbErr> {
    let row = Model::find_by_statement(raw_sql!(
        Postgres,
        r#"INSERT INTO devices (id, user_id, token, token_sha256, platform, created_at, updated_at)
           VALUES ({id}, {user_id}, {token}, sha256(convert_to({token}, 'UTF8')), {platform}, {now}, {now})
           ON CONFLICT ON CONSTRAINT devices_token
           DO UPDATE SET user_id = {user_id}, platform = {platform}, updated_at = {now}
           RETURNING id, user_id, token, platform, created_at, updated_at"#
    ));
    row.one(db)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("an upsert returns its row".to_owned()))
}

/// Forgets a device whose token is dead. Its pending pushes are dropped by the caller.
pub async fn delete(db: &impl ConnectionTrait, id: Uuid, token: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(id)
        .filter(Column::Token.eq(token))
        .exec(db)
        .await?;
    Ok(())
}
