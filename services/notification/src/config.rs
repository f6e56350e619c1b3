//! What notification adds to the configuration. Values and their meaning: `config.default.toml`.

use std::time::Duration;

use carshare_chassis::config::{Admin, Common, Identity, Redis, Secret, Server, Telemetry, Tls};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub admin: Admin,
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Whose tokens are believed.
    #[serde(default)]
    pub identity: Identity,
    #[serde(default)]
    pub tls: Tls,
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
    pub heartbeat_ms: u64,
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
    pub retry_ms: u64,
    /// Attempts before a push is given up.
    pub max_attempts: i32,
}

impl FeedWatch {
    /// [`FeedWatch::heartbeat_ms`] as a duration.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }
}

impl Push {
    /// The pause before the attempt after `attempts`: doubled each time, an hour at most.
    pub fn retry_after(&self, attempts: i32) -> Duration {
        let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
        let pause = Duration::from_millis(self.retry_ms).saturating_mul(1 << doublings);
        pause.min(Duration::from_hours(1))
    }
}
impl Config {
    /// Returns the sections of the server stack.
    pub fn common(&self) -> Common {
        Common {
            server: self.server.clone(),
            admin: self.admin.clone(),
            telemetry: self.telemetry.clone(),
            identity: self.identity.clone(),
            tls: self.tls.clone(),
        }
    }
}
