//! Configuration of the notification service. `config.default.toml` documents every key.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use carshare_chassis::Backoff;
use carshare_chassis::config::{Peer, Redis, Secret, millis};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: carshare_store::config::Database,
    pub redis: Redis,
    /// Services whose events are consumed, by name: their event logs are read.
    pub publishers: BTreeMap<String, Peer>,
    pub devices: Devices,
    pub live: Live,
    pub push: Push,
}

/// `[devices]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Devices {
    /// Registered devices of one user.
    pub max_per_user: NonZeroU32,
}

/// `[live]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Interval of heartbeats while there is nothing else to send.
    #[serde(rename = "heartbeat_ms", with = "millis")]
    pub heartbeat: Duration,
}

/// `[push]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    pub base_url: String,
    /// JSON of the service account. Without it pushes are disabled.
    #[serde(default)]
    pub service_account_json: Option<Secret>,
    /// Pushes in progress at a time in one process.
    pub concurrency: usize,
    /// Delay after the first failed attempt; doubled after each further one, up to an hour.
    #[serde(rename = "retry_ms", with = "millis")]
    pub retry: Duration,
    /// Attempts after which a push is dropped.
    pub max_attempts: i32,
}

impl Push {
    /// Returns the delay after `attempts` failed attempts.
    pub fn retry_after(&self, attempts: i32) -> Duration {
        let backoff = Backoff {
            initial: self.retry,
            max: Duration::from_hours(1),
        };
        backoff.nominal_delay(u32::try_from(attempts).unwrap_or(0))
    }
}
