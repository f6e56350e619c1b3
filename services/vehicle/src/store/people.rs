//! All SQL on `people`, the copy of what others may see of an account.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, raw_sql};

use super::entity::person::{Column, Entity, Model};
use crate::domain::UserId;
use crate::error::Result;

/// An account as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: UserId,
    /// Display name.
    pub name: String,
    /// `guest`, `host` or `admin`.
    pub role: String,
    /// Picture, if there is one.
    pub profile_image_url: Option<String>,
    /// The e-mail address was confirmed.
    pub is_verified: bool,
    /// When the account was made.
    pub created_at: Option<DateTime<Utc>>,
}

/// Keeps what an event of `told_at` said, unless a later one was heard already.
pub async fn upsert(conn: &impl ConnectionTrait, person: &Person, told_at: DateTime<Utc>) -> Result<()> {
    let Person {
        id,
        name,
        role,
        profile_image_url,
        is_verified,
        created_at,
    } = person.clone();
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"
        INSERT INTO people (id, name, role, profile_image_url, is_verified, created_at, told_at)
        VALUES ({id.0}, {name}, {role}, {profile_image_url}, {is_verified}, {created_at}, {told_at})
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name,
            role = excluded.role,
            profile_image_url = excluded.profile_image_url,
            is_verified = excluded.is_verified,
            created_at = excluded.created_at,
            told_at = excluded.told_at
        WHERE people.told_at <= excluded.told_at
        "#
    ))
    .await?;
    Ok(())
}

/// Those of these accounts that are known.
pub async fn list(conn: &impl ConnectionTrait, ids: &[UserId]) -> Result<Vec<Person>> {
    let known = Entity::find().filter(Column::Id.is_in(ids.iter().map(|id| id.0)));
    Ok(known.all(conn).await?.into_iter().map(Into::into).collect())
}

impl From<Model> for Person {
    fn from(row: Model) -> Self {
        Self {
            id: UserId(row.id),
            name: row.name,
            role: row.role,
            profile_image_url: row.profile_image_url,
            is_verified: row.is_verified,
            created_at: row.created_at,
        }
    }
}
