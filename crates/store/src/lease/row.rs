//! Statements on the lease's row.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{LEASE_DURATION, Lease};
use crate::error::Error;

/// Result of an attempt to run the job.
pub(super) enum Attempt {
    /// The job ran; it is due again at `next`.
    Ran { next: DateTime<Utc> },
    /// Another process owns the lease, or it is not due; ask again at `next`.
    NotRun { next: DateTime<Utc> },
}

impl Lease {
    /// Takes the lease (`None`) or returns when to ask again.
    pub(super) async fn take(&self, notified: bool) -> Result<Option<Attempt>, Error> {
        let now = self.db.environment().clock.now();
        let taken = sqlx::query(
            "INSERT INTO leases AS held (name, owner, expires_at, due_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at \
             WHERE (held.owner IS NULL OR held.owner = $2 OR held.expires_at <= $4) AND (held.due_at <= $4 OR $5)",
        )
        .bind(self.name)
        .bind(self.db.instance())
        .bind(now + delta(LEASE_DURATION))
        .bind(now)
        .bind(notified)
        .execute(self.db.pool())
        .await?;
        if taken.rows_affected() == 1 {
            return Ok(None);
        }
        let (owned, expires_at, due_at): (bool, DateTime<Utc>, DateTime<Utc>) =
            sqlx::query_as("SELECT owner IS NOT NULL, expires_at, due_at FROM leases WHERE name = $1")
                .bind(self.name)
                .fetch_one(self.db.pool())
                .await?;
        // The owner normally releases it long before it expires, with a new due time.
        let ends = if owned {
            expires_at.min(now + delta(self.period))
        } else {
            due_at
        };
        Ok(Some(Attempt::NotRun {
            next: ends.max(due_at).min(now + delta(self.period)),
        }))
    }

    pub(super) async fn extend(&self) -> Result<(), Error> {
        let until = self.db.environment().clock.now() + delta(LEASE_DURATION);
        sqlx::query("UPDATE leases SET expires_at = $3 WHERE name = $1 AND owner = $2")
            .bind(self.name)
            .bind(self.db.instance())
            .bind(until)
            .execute(self.db.pool())
            .await?;
        Ok(())
    }

    pub(super) async fn release(&self, due_at: DateTime<Utc>) -> Result<(), Error> {
        sqlx::query("UPDATE leases SET owner = NULL, due_at = $3 WHERE name = $1 AND owner = $2")
            .bind(self.name)
            .bind(self.db.instance())
            .bind(due_at)
            .execute(self.db.pool())
            .await?;
        Ok(())
    }
}

pub(super) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
