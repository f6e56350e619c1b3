//! Configuration of a client.

use std::time::Duration;

use carshare_chassis::Backoff;
use carshare_chassis::config::millis;
use serde::{Deserialize, Serialize};

/// Configuration of a client for one provider. Only `base_url` has no default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Scheme, host and path prefix, `https://api.tosspayments.com`. The path of a call is appended.
    pub base_url: String,
    /// Timeout of connecting. A call that fails here was never sent. Default 2 s.
    #[serde(rename = "connect_timeout_ms", with = "millis")]
    pub connect_timeout: Duration,
    /// Timeout of a call with all its retries, unless the call sets its own. Default 10 s.
    #[serde(rename = "timeout_ms", with = "millis")]
    pub timeout: Duration,
    /// Number of retries of a call that is safe to repeat. Default 3.
    pub max_retries: u32,
    /// Delay after the first attempt, doubled after each and shortened at random by up to a half. Default 100 ms.
    #[serde(rename = "backoff_ms", with = "millis")]
    pub backoff: Duration,
    /// Maximum delay, unless the provider asks for a longer one. Default 5 s.
    #[serde(rename = "backoff_max_ms", with = "millis")]
    pub backoff_max: Duration,
    /// Number of consecutive failures that open the circuit breaker. Default 5.
    pub breaker_failures: u32,
    /// Time for which an open circuit breaker refuses calls before it admits a probe. Default 30 s.
    #[serde(rename = "breaker_open_ms", with = "millis")]
    pub breaker_open: Duration,
    /// Maximum size of a reply's body. Default 1 MiB.
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

impl Config {
    /// Returns the delays between attempts.
    pub(crate) fn retry_backoff(&self) -> Backoff {
        Backoff {
            initial: self.backoff,
            max: self.backoff_max,
        }
    }
}
