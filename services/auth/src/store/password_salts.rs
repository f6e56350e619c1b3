//! Table `password_salt_key`: one row, which the migration has made.

use anyhow::Context as _;
use sea_orm::{ConnectionTrait, raw_sql};

use crate::error::Error;

/// Returns the key of the salts.
pub async fn find_key(conn: &impl ConnectionTrait) -> Result<Vec<u8>, Error> {
    let select = raw_sql!(Postgres, "SELECT key FROM password_salt_key");
    let row = conn.query_one_raw(select).await?;
    let row = row.context("password_salt_key is empty")?;
    Ok(row.try_get_by_index(0)?)
}
