//! Leader election of a consumer group by a session-level advisory lock on a dedicated connection.
//!
//! PostgreSQL releases the lock when the connection ends, so a standby takes over as soon as the leader's connection is gone.

use std::time::Duration;

use anyhow::{Context as _, Result};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use crate::db::Db;

/// Time after which an unanswered statement counts as a broken connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A dedicated connection that holds or waits for the lock.
pub(super) struct LeaderLock(PgConnection);

impl LeaderLock {
    /// Connects without acquiring the lock.
    pub(super) async fn connect(db: &Db) -> Result<Self> {
        let connection = timeout(RESPONSE_TIMEOUT, db.options().connect())
            .await
            .context("PostgreSQL does not answer")?
            .context("PostgreSQL is unreachable")?;
        Ok(Self(connection))
    }

    /// Tries to acquire the lock; false while another process holds it.
    pub(super) async fn acquire(&mut self, group: &str) -> Result<bool> {
        let sql =
            "SELECT pg_try_advisory_lock(hashtextextended('consumer.' || current_schema() || '.' || $1, 0))";
        let asked = sqlx::query_scalar(sql).bind(group).fetch_one(&mut self.0);
        timeout(RESPONSE_TIMEOUT, asked)
            .await
            .context("PostgreSQL does not answer")?
            .context("PostgreSQL is unreachable")
    }

    /// Returns an error when the connection, and the lock with it, is lost.
    pub(super) async fn check(&mut self) -> Result<()> {
        timeout(RESPONSE_TIMEOUT, self.0.ping())
            .await
            .context("PostgreSQL does not answer")?
            .context("PostgreSQL is unreachable")
    }

    pub(super) async fn release(self) {
        self.0.close().await.ok();
    }
}
