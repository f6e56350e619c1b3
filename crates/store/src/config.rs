//! The `[database]` section of a service's configuration.

use std::time::Duration;

use carshare_chassis::config::{Secret, millis};
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
    /// instead of a timeout. Default 2 s.
    #[serde(
        rename = "acquire_timeout_ms",
        with = "millis",
        default = "default_acquire_timeout"
    )]
    pub acquire_timeout: Duration,
    /// `statement_timeout` of every connection. Default 5 s.
    #[serde(
        rename = "statement_timeout_ms",
        with = "millis",
        default = "default_statement_timeout"
    )]
    pub statement_timeout: Duration,
    /// `lock_timeout` of every connection. Default 4 s.
    #[serde(rename = "lock_timeout_ms", with = "millis", default = "default_lock_timeout")]
    pub lock_timeout: Duration,
}

const fn default_max_connections() -> u32 {
    10
}

const fn default_acquire_timeout() -> Duration {
    Duration::from_secs(2)
}

const fn default_statement_timeout() -> Duration {
    Duration::from_secs(5)
}

const fn default_lock_timeout() -> Duration {
    Duration::from_secs(4)
}

impl Database {
    /// Returns the defaults for a database at `url`.
    pub fn at(url: impl Into<Secret>) -> Self {
        Self {
            url: url.into(),
            max_connections: default_max_connections(),
            acquire_timeout: default_acquire_timeout(),
            statement_timeout: default_statement_timeout(),
            lock_timeout: default_lock_timeout(),
        }
    }
}
