//! Table `refresh_tokens`: hashes of every token of a session, used ones too.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

use super::entity::refresh_token;
use crate::domain::{SessionId, TokenHash};
use crate::error::Error;
use crate::issuer::Issued;

/// Stores the hash of a token that was just issued.
pub async fn insert(
    conn: &impl ConnectionTrait,
    session_id: SessionId,
    issued: &Issued,
    issued_at: DateTime<Utc>,
) -> Result<(), Error> {
    let row = refresh_token::Model {
        token_hash: issued.refresh_token.hash().0.to_vec(),
        session_id: session_id.0,
        issued_at,
        expires_at: issued.refresh_expires_at,
        used_at: None,
        access_token_id: issued.access_token_id.0,
        access_expires_at: issued.access_expires_at,
    };
    refresh_token::Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Marks a token as traded.
pub async fn mark_used(
    conn: &impl ConnectionTrait,
    token: TokenHash,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(at))
        .filter(refresh_token::Column::TokenHash.eq(token.0.to_vec()))
        .exec(conn)
        .await?;
    Ok(())
}
