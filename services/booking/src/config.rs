//! The configuration of this service. `config.default.toml` documents it.

use std::time::Duration;

use carshare_chassis::config::{Admin, Common, Identity, Peer, Redis, Server, Telemetry, Tls};
use carshare_store::config::Database;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Everything that is configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    /// The port for metrics and probes.
    pub admin: Admin,
    pub telemetry: Telemetry,
    /// BookingFilter access tokens are believed.
    pub identity: Identity,
    /// Certificates of the mesh.
    pub tls: Tls,
    pub database: Database,
    pub redis: Redis,
    pub vehicle: Peer,
    /// The rules of bookings that are configured.
    pub booking: Rules,
}

/// `[booking]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// How long a host has to answer.
    pub respond_within_ms: u32,
    /// How long a guest has to pay after the approval.
    pub pay_within_ms: u32,
    /// How often the timers look for what is overdue.
    pub timer_period_ms: u64,
}

impl Config {
    /// The sections that the server stack needs.
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

impl Rules {
    /// [`Rules::respond_within_ms`] as a duration.
    pub fn respond_within(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.respond_within_ms.into())
    }

    /// [`Rules::pay_within_ms`] as a duration.
    pub fn pay_within(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.pay_within_ms.into())
    }

    /// [`Rules::timer_period_ms`] as a duration.
    pub fn timer_period(&self) -> Duration {
        Duration::from_millis(self.timer_period_ms)
    }
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{Sources, load, redacted};

    use super::*;

    fn loaded(env: &[(&str, &str)]) -> anyhow::Result<Config> {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Sources {
            service: "booking",
            defaults: crate::DEFAULTS,
            file: None,
            env,
        })
    }

    #[test]
    fn the_defaults_need_addresses_only() {
        let config = loaded(&[
            ("BOOKING__DATABASE__URL", "postgres://booking:geheim@db/carshare"),
            ("BOOKING__REDIS__URL", "redis://cache"),
        ])
        .unwrap();
        assert_eq!(config.booking.respond_within(), TimeDelta::hours(24));
        assert_eq!(config.booking.pay_within(), TimeDelta::hours(2));
        assert_eq!(config.booking.timer_period(), Duration::from_secs(15));
        let printed = redacted(&config).to_string();
        assert!(!printed.contains("geheim"), "{printed}");
    }

    #[test]
    fn without_them_the_missing_key_is_named() {
        let refused = format!("{:#}", loaded(&[]).unwrap_err());
        assert!(refused.contains("url"), "{refused}");
    }
}
