//! Being the one process that handles a group's events: an advisory lock on a connection kept for it.
//!
//! PostgreSQL gives the lock free when the connection ends, so a process that dies is followed at once.

use std::time::Duration;

use anyhow::{Context as _, Result};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use crate::db::Db;

/// A server that does not answer within this is as good as gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The right to handle a group's events, as long as its connection lives.
pub(super) struct Ownership(PgConnection);

impl Ownership {
    /// Becomes the owner, unless another process is.
    pub(super) async fn acquire(db: &Db, group: &str) -> Result<Option<Self>> {
        let mut connection = timeout(PATIENCE, db.options().connect())
            .await
            .context("PostgreSQL does not answer")?
            .context("PostgreSQL is away")?;
        let sql =
            "SELECT pg_try_advisory_lock(hashtextextended('consumer.' || current_schema() || '.' || $1, 0))";
        let owner: bool = sqlx::query_scalar(sql)
            .bind(group)
            .fetch_one(&mut connection)
            .await?;
        if owner {
            return Ok(Some(Self(connection)));
        }
        connection.close().await?;
        Ok(None)
    }

    /// Whether it still is: another process may own the group since the connection broke.
    pub(super) async fn check(&mut self) -> Result<()> {
        timeout(PATIENCE, self.0.ping())
            .await
            .context("PostgreSQL does not answer")?
            .context("PostgreSQL is away")
    }

    /// Lets the next one in.
    pub(super) async fn release(self) {
        self.0.close().await.ok();
    }
}
