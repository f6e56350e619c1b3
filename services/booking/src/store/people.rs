//! Table `people`.

use std::collections::HashMap;

use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, raw_sql};

use super::entity::person::{Column, Entity, Model};
use crate::domain::UserId;
use crate::error::Error;

/// Writes what is known of a person now, unless something newer is known.
pub async fn upsert(conn: &impl ConnectionTrait, person: Model) -> Result<(), Error> {
    let Model {
        id,
        name,
        role,
        profile_image_url,
        is_verified,
        joined_at,
        as_of,
    } = person;
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"INSERT INTO people (id, name, role, profile_image_url, is_verified, joined_at, as_of)
           VALUES ({id}, {name}, {role}, {profile_image_url}, {is_verified}, {joined_at}, {as_of})
           ON CONFLICT (id) DO UPDATE SET (name, role, profile_image_url, is_verified, joined_at, as_of)
               = (excluded.name, excluded.role, excluded.profile_image_url, excluded.is_verified, excluded.joined_at, excluded.as_of)
           WHERE people.as_of <= excluded.as_of"#
    ))
    .await?;
    Ok(())
}

/// One person.
pub async fn find(conn: &impl ConnectionTrait, id: UserId) -> Result<Option<Model>, Error> {
    Ok(Entity::find_by_id(id.0).one(conn).await?)
}

/// Those of these people that are known.
pub async fn list(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<HashMap<UserId, Model>, Error> {
    let known = Entity::find()
        .filter(Column::Id.is_in(ids.into_iter().map(|id| id.0)))
        .all(conn)
        .await?;
    Ok(known
        .into_iter()
        .map(|person| (UserId(person.id), person))
        .collect())
}
