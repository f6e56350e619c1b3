//! Table `sessions`: families of refresh tokens.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ConnectionTrait, FromQueryResult, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, raw_sql,
};
use uuid::Uuid;

use crate::domain::audit::Origin;
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
    /// Time of the last refresh; `None` for sessions of an earlier release.
    pub last_used_at: Option<ChronoDateTimeUtc>,
    /// Of the last refresh.
    pub client_address: Option<String>,
    pub user_agent: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A locked session and the state of the refresh token by which it was found.
#[derive(Clone, Copy, Debug)]
pub struct Locked {
    pub id: SessionId,
    pub user_id: UserId,
    pub created_at: DateTime<Utc>,
    pub token: TokenState,
}

pub async fn insert(
    tx: &Tx,
    id: SessionId,
    user_id: UserId,
    expires_at: DateTime<Utc>,
    origin: &Origin,
) -> Result<(), Error> {
    let row = Model {
        id: id.0,
        user_id: user_id.0,
        created_at: tx.now(),
        expires_at,
        ended_at: None,
        end_reason: None,
        last_used_at: Some(tx.now()),
        client_address: origin.address(),
        user_agent: origin.client.user_agent.clone(),
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx.conn())
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
        created_at: DateTime<Utc>,
        used_at: Option<DateTime<Utc>>,
        expires_at: DateTime<Utc>,
        ended_at: Option<DateTime<Utc>>,
    }
    let token_hash = token.0.to_vec();
    // Both rows are locked: of a row that is only joined, a transaction that waited would see the old version.
    let found = Row::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT s.id, s.user_id, s.created_at, t.used_at, t.expires_at, s.ended_at
           FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
           WHERE t.token_hash = {token_hash}
           FOR UPDATE OF t, s"#
    ))
    .one(conn)
    .await?;
    Ok(found.map(|row| Locked {
        id: SessionId(row.id),
        user_id: UserId(row.user_id),
        created_at: row.created_at,
        token: TokenState {
            used_at: row.used_at,
            expires_at: row.expires_at,
            session_ended_at: row.ended_at,
        },
    }))
}

/// Extends a session to the expiry of its newest token, and stores its client.
pub async fn extend(tx: &Tx, id: SessionId, until: DateTime<Utc>, origin: &Origin) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(until))
        .col_expr(Column::LastUsedAt, Expr::value(tx.now()))
        .col_expr(Column::ClientAddress, Expr::value(origin.address()))
        .col_expr(Column::UserAgent, Expr::value(origin.client.user_agent.clone()))
        .filter(Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Lists the sessions of a user that have neither ended nor expired.
pub async fn list_live(
    conn: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>, Error> {
    let rows = select_live(user, now).all(conn).await?.into_iter();
    Ok(rows.map(|row| SessionId(row.id)).collect())
}

fn select_live(user: UserId, now: DateTime<Utc>) -> Select<Entity> {
    Entity::find()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
}

/// Lists a page of the live sessions of a user, newest first, after the session `after`.
pub async fn list_page(
    conn: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
    after: Option<SessionId>,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    let mut page = select_live(user, now).order_by_desc(Column::Id).limit(limit);
    if let Some(after) = after {
        page = page.filter(Column::Id.lt(after.0));
    }
    Ok(page.all(conn).await?)
}

/// Finds the oldest session of a user that has not been deleted.
pub async fn find_first(conn: &impl ConnectionTrait, user: UserId) -> Result<Option<Model>, Error> {
    let of_user = Entity::find().filter(Column::UserId.eq(user.0));
    Ok(of_user.order_by_asc(Column::Id).one(conn).await?)
}

/// Counts the live sessions of a user.
pub async fn count_live(conn: &impl ConnectionTrait, user: UserId, now: DateTime<Utc>) -> Result<u64, Error> {
    Ok(select_live(user, now).count(conn).await?)
}

/// Returns whether a session of the user exists that has neither ended nor expired.
pub async fn is_live(
    conn: &impl ConnectionTrait,
    user: UserId,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let found = select_live(user, now).filter(Column::Id.eq(id.0)).one(conn);
    Ok(found.await?.is_some())
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
