//! Keeps a copy of auth's public user profiles in the schema of the service that shows them.
//!
//! A service that answers with a guest's or host's name creates the table and registers the handlers:
//!
//! ```text
//! CREATE TABLE user_profiles (
//!     user_id     uuid PRIMARY KEY,
//!     profile     bytea NOT NULL,
//!     occurred_at timestamptz NOT NULL
//! );
//!
//! carshare_profiles::subscribe(consumer)
//! ```
//!
//! `profile` is the encoded `carshare.auth.v1.UserProfile` of the newest event, so a field that auth adds needs no column
//! here. Events may arrive late and twice; an older profile never replaces a newer one. The service's handler of `user.deleted` calls
//! [`erase`]: `profile` is a [`deleted`] one then, and `occurred_at` infinity, so that no event replaces it.
#![deny(missing_docs)]

use std::collections::HashMap;

use anyhow::Context as _;
use carshare_chassis::identity::Role;
use carshare_chassis::{Error, proto_types};
use carshare_proto::auth::v1::{UserDeleted, UserProfile, UserRegistered, UserUpdated};
use carshare_proto::options::v1 as options;
use carshare_store::{Consumer, EventMetadata, Tx};
use chrono::{DateTime, Utc};
use prost::Message as _;
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};
use uuid::Uuid;

/// Registers the handlers of `user.registered` and `user.updated`.
pub fn subscribe(consumer: Consumer) -> Consumer {
    consumer.on("auth", registered).on("auth", updated)
}

/// Returns the profiles of these users, one for each id: see [`decode`].
pub async fn list(
    conn: &impl ConnectionTrait,
    role: options::Role,
    user_ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, UserProfile>, carshare_store::Error> {
    let ids: Vec<Uuid> = user_ids.into_iter().collect();
    let count = ids.len();
    let rows = Row::find_by_statement(raw_sql!(
        Postgres,
        "SELECT user_id, profile FROM unnest({ids}::uuid[]) user_id LEFT JOIN user_profiles USING (user_id)"
    ));
    let mut profiles = HashMap::with_capacity(count);
    for Row { user_id, profile } in rows.all(conn).await? {
        profiles.insert(user_id, decode(role, user_id, profile.as_deref())?);
    }
    Ok(profiles)
}

/// Decodes the column `profile` of a user. A user whose first event has not arrived yet has no row and a profile with nothing
/// but the id and `role`, the role in which they are asked for.
pub fn decode(
    role: options::Role,
    user_id: Uuid,
    profile: Option<&[u8]>,
) -> Result<UserProfile, carshare_store::Error> {
    match profile {
        Some(profile) => UserProfile::decode(profile)
            .context("a stored user profile cannot be decoded")
            .map_err(carshare_store::Error::Internal),
        None => Ok(UserProfile {
            id: user_id.to_string(),
            role: role.into(),
            ..UserProfile::default()
        }),
    }
}

/// Returns what is shown of a deleted account.
pub fn deleted(role: options::Role, user_id: Uuid, deleted_at: DateTime<Utc>) -> UserProfile {
    UserProfile {
        id: user_id.to_string(),
        role: role.into(),
        created_at: Some(proto_types::timestamp(deleted_at)),
        is_deleted: true,
        ..UserProfile::default()
    }
}

/// Erases the profile of a deleted account, also of one whose other events have not arrived yet, and returns its id.
pub async fn erase(tx: &Tx, metadata: &EventMetadata, event: &UserDeleted) -> Result<Uuid, Error> {
    let user_id = proto_types::uuid("user_id", &event.user_id)?;
    let profile = deleted(event.role(), user_id, metadata.occurred_at).encode_to_vec();
    let upsert = raw_sql!(
        Postgres,
        r#"INSERT INTO user_profiles (user_id, profile, occurred_at) VALUES ({user_id}, {profile}, 'infinity')
           ON CONFLICT (user_id) DO UPDATE SET profile = excluded.profile, occurred_at = excluded.occurred_at
           WHERE user_profiles.occurred_at < 'infinity'"#
    );
    let result = tx.conn().execute_raw(upsert).await;
    result.map_err(carshare_store::Error::from)?;
    Ok(user_id)
}

#[derive(FromQueryResult)]
struct Row {
    user_id: Uuid,
    profile: Option<Vec<u8>>,
}

async fn registered(tx: &Tx, metadata: &EventMetadata, event: &UserRegistered) -> Result<(), Error> {
    upsert(tx, metadata, event.profile.as_ref()).await
}

async fn updated(tx: &Tx, metadata: &EventMetadata, event: &UserUpdated) -> Result<(), Error> {
    upsert(tx, metadata, event.profile.as_ref()).await
}

async fn upsert(tx: &Tx, metadata: &EventMetadata, profile: Option<&UserProfile>) -> Result<(), Error> {
    let profile = profile
        .with_context(|| format!("{} has no profile", metadata.name))
        .map_err(Error::internal)?;
    let user_id = proto_types::uuid("profile.id", &profile.id)?;
    Role::try_from(profile.role())?;
    let (profile, occurred_at) = (profile.encode_to_vec(), metadata.occurred_at);
    let upsert = raw_sql!(
        Postgres,
        r#"INSERT INTO user_profiles (user_id, profile, occurred_at) VALUES ({user_id}, {profile}, {occurred_at})
           ON CONFLICT (user_id) DO UPDATE SET profile = excluded.profile, occurred_at = excluded.occurred_at
           WHERE user_profiles.occurred_at <= excluded.occurred_at"#
    );
    let result = tx.conn().execute_raw(upsert).await;
    result.map_err(carshare_store::Error::from)?;
    Ok(())
}
