//! What a client can be told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Configuration of a client for one provider. Only `base_url` has no default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Scheme, host and path prefix, `https://api.tosspayments.com`. Paths of calls are appended.
    pub base_url: String,
    /// How long connecting may take. A call that fails here was never sent. Default 2,000.
    pub connect_timeout_ms: u64,
    /// How long a call may take with all its retries; a single call can ask for another limit. Default 10,000.
    pub timeout_ms: u64,
    /// How often a call that is safe to repeat is repeated. Default 3.
    pub max_retries: u32,
    /// The first pause between attempts, doubled each time and shortened by up to a half by chance. Default 100.
    pub backoff_ms: u64,
    /// The longest pause, unless the provider asks for a longer one. Default 5,000.
    pub backoff_max_ms: u64,
    /// Failures in a row after which the provider is left alone. Default 5.
    pub breaker_failures: u32,
    /// How long it is left alone before one call may try again. Default 30,000.
    pub breaker_open_ms: u64,
    /// Largest answer that is read. Default 1 MiB.
    pub max_body_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            connect_timeout_ms: 2_000,
            timeout_ms: 10_000,
            max_retries: 3,
            backoff_ms: 100,
            backoff_max_ms: 5_000,
            breaker_failures: 5,
            breaker_open_ms: 30_000,
            max_body_bytes: 1 << 20,
        }
    }
}

impl Config {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}
