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

/// A connection that stands by for the right to handle a group's events, or has it as long as it lives.
pub(super) struct Ownership(PgConnection);

impl Ownership {
    /// Connects. Nothing is owned yet.
    pub(super) async fn stand_by(db: &Db) -> Result<Self> {
        let connection = timeout(PATIENCE, db.options().connect())
            .await
            .context("PostgreSQL does not answer")?
            .context("PostgreSQL is away")?;
        Ok(Self(connection))
    }

    /// Becomes the owner (true), unless another process is.
    pub(super) async fn acquire(&mut self, group: &str) -> Result<bool> {
        let sql =
            "SELECT pg_try_advisory_lock(hashtextextended('consumer.' || current_schema() || '.' || $1, 0))";
        let asked = sqlx::query_scalar(sql).bind(group).fetch_one(&mut self.0);
        timeout(PATIENCE, asked)
            .await
            .context("PostgreSQL does not answer")?
            .context("PostgreSQL is away")
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
