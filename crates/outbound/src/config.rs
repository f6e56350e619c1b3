//! What a client can be told.

use std::time::Duration;

use carshare_chassis::config::millis;
use serde::{Deserialize, Serialize};

/// Configuration of a client for one provider. Only `base_url` has no default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Scheme, host and path prefix, `https://api.tosspayments.com`. Paths of calls are appended.
    pub base_url: String,
    /// How long connecting may take. A call that fails here was never sent. Default 2 s.
    #[serde(rename = "connect_timeout_ms", with = "millis")]
    pub connect_timeout: Duration,
    /// How long a call may take with all its retries; a single call can ask for another limit. Default 10 s.
    #[serde(rename = "timeout_ms", with = "millis")]
    pub timeout: Duration,
    /// How often a call that is safe to repeat is repeated. Default 3.
    pub max_retries: u32,
    /// The first pause between attempts, doubled each time and shortened by up to a half by chance. Default 100 ms.
    #[serde(rename = "backoff_ms", with = "millis")]
    pub backoff: Duration,
    /// The longest pause, unless the provider asks for a longer one. Default 5 s.
    #[serde(rename = "backoff_max_ms", with = "millis")]
    pub backoff_max: Duration,
    /// Failures in a row after which the provider is left alone. Default 5.
    pub breaker_failures: u32,
    /// How long it is left alone before one call may try again. Default 30 s.
    #[serde(rename = "breaker_open_ms", with = "millis")]
    pub breaker_open: Duration,
    /// Largest answer that is read. Default 1 MiB.
    pub max_body_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            max_retries: 3,
            backoff: Duration::from_millis(100),
            backoff_max: Duration::from_secs(5),
            breaker_failures: 5,
            breaker_open: Duration::from_secs(30),
            max_body_bytes: 1 << 20,
        }
    }
}
