//! Table `signing_keys`: sealed private keys and what verifies their signatures.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryOrder as _};

use super::entity::signing_key;
use crate::error::Error;

/// A key as it is stored.
#[derive(Clone, Debug)]
pub struct StoredKey {
    pub kid: String,
    /// The 32 bytes of the public key.
    pub public_key: Vec<u8>,
    /// The private key, sealed.
    pub sealed_private_key: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Makes whoever else wants to add a key wait until this transaction is over. Readers do not wait.
pub async fn lock(conn: &impl ConnectionTrait) -> Result<(), Error> {
    conn.execute_unprepared("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
        .await?;
    Ok(())
}

/// Every key, newest first.
pub async fn list(conn: &impl ConnectionTrait) -> Result<Vec<StoredKey>, Error> {
    let rows = signing_key::Entity::find()
        .order_by_desc(signing_key::Column::CreatedAt)
        .order_by_desc(signing_key::Column::Kid)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(StoredKey::from).collect())
}

/// Stores a new key.
pub async fn insert(conn: &impl ConnectionTrait, key: StoredKey) -> Result<(), Error> {
    let StoredKey {
        kid,
        public_key,
        sealed_private_key,
        created_at,
    } = key;
    let row = signing_key::Model {
        kid,
        public_key,
        sealed_private_key,
        created_at,
    };
    signing_key::Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

impl From<signing_key::Model> for StoredKey {
    fn from(row: signing_key::Model) -> Self {
        let signing_key::Model {
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
