//! What notification adds to the configuration. Values and their meaning: `config.default.toml`.

use std::time::Duration;

use carshare_chassis::config::{Redis, Secret, millis};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: carshare_store::config::Database,
    /// Redis, for the events.
    pub redis: Redis,
    pub live: FeedWatch,
    pub push: Push,
}

/// `[live]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedWatch {
    /// Silence after which a heartbeat goes out.
    #[serde(rename = "heartbeat_ms", with = "millis")]
    pub heartbeat: Duration,
}

/// `[push]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    pub base_url: String,
    /// JSON of the service account; empty switches pushes off.
    pub service_account_json: Secret,
    /// Pushes sent at a time.
    pub concurrency: usize,
    /// First pause before another attempt.
    #[serde(rename = "retry_ms", with = "millis")]
    pub retry: Duration,
    /// Attempts before a push is given up.
    pub max_attempts: i32,
}

impl Push {
    /// The pause before the attempt after `attempts`: doubled each time, an hour at most.
    pub fn retry_after(&self, attempts: i32) -> Duration {
        let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
        let pause = self.retry.saturating_mul(1 << doublings);
        pause.min(Duration::from_hours(1))
    }
}
