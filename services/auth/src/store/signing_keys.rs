//! Table `signing_keys`: public keys and encrypted private keys.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QueryOrder as _};

use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    pub public_key: Vec<u8>,
    pub sealed_private_key: Vec<u8>,
    pub created_at: ChronoDateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An Ed25519 key that signs, or has signed, access tokens.
#[derive(Clone, Debug)]
pub struct StoredKey {
    pub kid: String,
    /// The 32 bytes of the public key.
    pub public_key: Vec<u8>,
    /// PKCS #8, encrypted.
    pub sealed_private_key: Vec<u8>,
    pub created_at: DateTime<Utc>,
}

/// Locks the table against other writers until the transaction ends. Readers are not blocked.
pub async fn lock(conn: &impl ConnectionTrait) -> Result<(), Error> {
    conn.execute_unprepared("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    Ok(())
}

/// Lists all keys, newest first.
pub async fn list(conn: &impl ConnectionTrait) -> Result<Vec<StoredKey>, Error> {
    let rows = Entity::find()
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Kid)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(StoredKey::from).collect())
}

pub async fn insert(conn: &impl ConnectionTrait, key: StoredKey) -> Result<(), Error> {
    let StoredKey {
        kid,
        public_key,
        sealed_private_key,
        created_at,
    } = key;
    let row = Model {
        kid,
        public_key,
        sealed_private_key,
        created_at,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Deletes a key; `false` when there is none with this id.
pub async fn delete(conn: &impl ConnectionTrait, kid: &str) -> Result<bool, Error> {
    let deleted = Entity::delete_by_id(kid).exec(conn).await?;
    Ok(deleted.rows_affected > 0)
}

impl From<Model> for StoredKey {
    fn from(row: Model) -> Self {
        let Model {
            kid,
            public_key,
            sealed_private_key,
            created_at,
        } = row;
        Self {
            kid,
            public_key,
            sealed_private_key,
            created_at,
        }
    }
}
