//! Table `refresh_tokens`: hashes of the tokens of a session, including used ones.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, IntoActiveModel as _};

use crate::domain::{SessionId, TokenHash};
use crate::error::Error;
use crate::issuer::Issued;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: Vec<u8>,
    pub session_id: Uuid,
    pub issued_at: ChronoDateTimeUtc,
    pub expires_at: ChronoDateTimeUtc,
    pub used_at: Option<ChronoDateTimeUtc>,
    pub access_token_id: Uuid,
    pub access_expires_at: ChronoDateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Inserts an issued token.
pub async fn insert(
    conn: &impl ConnectionTrait,
    session_id: SessionId,
    issued: &Issued,
    issued_at: DateTime<Utc>,
) -> Result<(), Error> {
    let row = Model {
        token_hash: issued.refresh_token.hash().0.to_vec(),
        session_id: session_id.0,
        issued_at,
        expires_at: issued.refresh_expires_at,
        used_at: None,
        access_token_id: issued.access_token_id.0,
        access_expires_at: issued.access_expires_at,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Marks a token as used.
pub async fn mark_used(
    conn: &impl ConnectionTrait,
    token: TokenHash,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(at))
        .filter(Column::TokenHash.eq(token.0.to_vec()))
        .exec(conn)
        .await?;
    Ok(())
}
