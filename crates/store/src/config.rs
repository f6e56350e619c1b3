//! The `[database]` section of a service's configuration.

use std::time::Duration;

use carshare_chassis::config::Secret;
use serde::{Deserialize, Serialize};

/// Connection and limits of the service's database.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://role:password@host:port/database`. The role's search path leads to the service's schema.
    ///
    /// Must lead to PostgreSQL itself or to a pooler in session mode: relay, consumers and migrations use `LISTEN` and
    /// advisory locks.
    pub url: Secret,
    /// Maximum connections of the pool; relay and consumer have one more each. Default 10.
    #[serde(default = "default_max_connections")]
    pub max_connections: u32,
    /// Longest wait for a connection, new or from the pool. Shorter than the deadline of callers, so that they get an error
    /// instead of a timeout. Default 2,000.
    #[serde(default = "default_acquire_timeout_ms")]
    pub acquire_timeout_ms: u64,
    /// `statement_timeout` of every connection. Default 5,000.
    #[serde(default = "default_statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// `lock_timeout` of every connection. Default 4,000.
    #[serde(default = "default_lock_timeout_ms")]
    pub lock_timeout_ms: u64,
}

const fn default_max_connections() -> u32 {
    10
}

const fn default_acquire_timeout_ms() -> u64 {
    2_000
}

const fn default_statement_timeout_ms() -> u64 {
    5_000
}

const fn default_lock_timeout_ms() -> u64 {
    4_000
}

impl Database {
    /// Returns the defaults for a database at `url`.
    pub fn at(url: impl Into<Secret>) -> Self {
        Self {
            url: url.into(),
            max_connections: default_max_connections(),
            acquire_timeout_ms: default_acquire_timeout_ms(),
            statement_timeout_ms: default_statement_timeout_ms(),
            lock_timeout_ms: default_lock_timeout_ms(),
        }
    }

    /// [`Database::acquire_timeout_ms`] as a duration.
    pub fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }
}
