//! Table `sessions`: families of refresh tokens.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, FromQueryResult, IntoActiveModel as _, raw_sql};
use uuid::Uuid;

use crate::domain::{EndReason, SessionId, TokenHash, TokenState, UserId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub created_at: ChronoDateTimeUtc,
    pub expires_at: ChronoDateTimeUtc,
    pub ended_at: Option<ChronoDateTimeUtc>,
    pub end_reason: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A locked session and the state of the refresh token by which it was found.
#[derive(Clone, Copy, Debug)]
pub struct Locked {
    pub id: SessionId,
    pub user_id: UserId,
    pub token: TokenState,
}

pub async fn insert(
    conn: &impl ConnectionTrait,
    id: SessionId,
    user_id: UserId,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    let row = Model {
        id: id.0,
        user_id: user_id.0,
        created_at,
        expires_at,
        ended_at: None,
        end_reason: None,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Finds the session of a refresh token and locks both until the transaction ends: uses of tokens of one session run one
/// after the other.
pub async fn lock_by_token(conn: &impl ConnectionTrait, token: TokenHash) -> Result<Option<Locked>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        user_id: Uuid,
        used_at: Option<DateTime<Utc>>,
        expires_at: DateTime<Utc>,
        ended_at: Option<DateTime<Utc>>,
    }
    let token_hash = token.0.to_vec();
    // Both rows are locked: of a row that is only joined, a transaction that waited would see the old version.
    let found = Row::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT s.id, s.user_id, t.used_at, t.expires_at, s.ended_at
           FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
           WHERE t.token_hash = {token_hash}
           FOR UPDATE OF t, s"#
    ))
    .one(conn)
    .await?;
    Ok(found.map(|row| Locked {
        id: SessionId(row.id),
        user_id: UserId(row.user_id),
        token: TokenState {
            used_at: row.used_at,
            expires_at: row.expires_at,
            session_ended_at: row.ended_at,
        },
    }))
}

/// Extends a session to the expiry of its newest token.
pub async fn extend(conn: &impl ConnectionTrait, id: SessionId, until: DateTime<Utc>) -> Result<(), Error> {
    let extended = Entity::update_many().col_expr(Column::ExpiresAt, Expr::value(until));
    extended.filter(Column::Id.eq(id.0)).exec(conn).await?;
    Ok(())
}

/// Lists the sessions of a user that have neither ended nor expired.
pub async fn list_live(
    conn: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>, Error> {
    let live = Entity::find()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now));
    let rows = live.all(conn).await?.into_iter();
    Ok(rows.map(|row| SessionId(row.id)).collect())
}

/// Ends a session and returns its user; `None` when it has ended before, in which case it keeps its reason.
pub async fn end(
    conn: &impl ConnectionTrait,
    id: SessionId,
    reason: EndReason,
    at: DateTime<Utc>,
) -> Result<Option<UserId>, Error> {
    let ended = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(at))
        .col_expr(Column::EndReason, Expr::value(reason.as_str()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::EndedAt.is_null())
        .exec_with_returning(conn)
        .await?;
    Ok(ended.first().map(|session| UserId(session.user_id)))
}
