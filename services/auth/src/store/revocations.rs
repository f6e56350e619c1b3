//! Table `revocations`: access tokens that are invalid before they expire.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, FromQueryResult as _, raw_sql};

use crate::domain::{SessionId, TokenId, UserId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revocations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_id: Uuid,
    pub session_id: Uuid,
    pub expires_at: ChronoDateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A revoked access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub token_id: TokenId,
    pub expires_at: DateTime<Utc>,
}

/// Revokes the unexpired access tokens of a session.
pub async fn insert_of_session(
    conn: &impl ConnectionTrait,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let session_id = session.0;
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"INSERT INTO revocations (token_id, session_id, expires_at)
           SELECT access_token_id, session_id, access_expires_at FROM refresh_tokens
           WHERE session_id = {session_id} AND access_expires_at > {now}
           ON CONFLICT (token_id) DO NOTHING"#
    ))
    .await?;
    Ok(())
}

/// Lists the revoked, unexpired tokens of a session.
pub async fn list_of_session(
    conn: &impl ConnectionTrait,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<Vec<Revoked>, Error> {
    let rows = Entity::find()
        .filter(Column::SessionId.eq(session.0))
        .filter(Column::ExpiresAt.gt(now));
    Ok(rows.all(conn).await?.into_iter().map(Revoked::from).collect())
}

/// Lists the revoked, unexpired tokens of all sessions of a user.
pub async fn list_of_user(
    conn: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<Revoked>, Error> {
    let user_id = user.0;
    let rows = Model::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT r.token_id, r.session_id, r.expires_at
           FROM revocations r JOIN sessions s ON s.id = r.session_id
           WHERE s.user_id = {user_id} AND r.expires_at > {now}"#
    ));
    Ok(rows.all(conn).await?.into_iter().map(Revoked::from).collect())
}

/// Lists all revoked, unexpired tokens.
pub async fn list(conn: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Revoked>, Error> {
    let rows = Entity::find().filter(Column::ExpiresAt.gt(now));
    Ok(rows.all(conn).await?.into_iter().map(Revoked::from).collect())
}

impl From<Model> for Revoked {
    fn from(row: Model) -> Self {
        Self {
            token_id: TokenId(row.token_id),
            expires_at: row.expires_at,
        }
    }
}
