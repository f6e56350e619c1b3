//! The configuration of this service. `config.default.toml` documents it.

use std::time::Duration;

use carshare_chassis::config::{Redis, Seal, millis};
use carshare_store::config::Database;
use serde::{Deserialize, Serialize};

use crate::{issuer, keys, passwords};

/// Everything that is configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: Database,
    /// Redis: revoked tokens and events.
    pub redis: Redis,
    /// Keys for secrets at rest.
    pub seal: Seal,
    pub passwords: passwords::Config,
    /// Life of tokens and sessions.
    pub sessions: issuer::Config,
    /// Keys of access tokens.
    pub signing_keys: keys::Config,
    /// Periods of background work.
    pub jobs: Jobs,
}

/// `[jobs]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// How often revoked access tokens are copied to Redis again.
    #[serde(rename = "copy_revocations_every_ms", with = "millis")]
    pub copy_revocations_every: Duration,
    /// How often what has no more meaning is removed.
    #[serde(rename = "purge_every_ms", with = "millis")]
    pub purge_every: Duration,
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{ServiceConfig, Sources, load, redacted};

    use super::*;

    const DEFAULTS: &str = include_str!("../config.default.toml");

    fn loaded(env: &[(&str, &str)]) -> anyhow::Result<ServiceConfig<Config>> {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Sources {
            service: "auth",
            defaults: DEFAULTS,
            file: None,
            env,
        })
    }

    const GIVEN: [(&str, &str); 4] = [
        ("AUTH__DATABASE__URL", "postgres://auth:geheim@db/carshare"),
        ("AUTH__REDIS__URL", "redis://cache"),
        ("AUTH__SEAL__PRIMARY", "k"),
        ("AUTH__SEAL__KEYS", "{ k = \"sealing\" }"),
    ];

    #[test]
    fn the_defaults_need_addresses_and_keys_only() {
        let config = loaded(&GIVEN).unwrap();
        assert_eq!(
            (
                config.service.sessions.access_token_ttl,
                config.service.passwords.bcrypt_cost
            ),
            (Duration::from_mins(15), 12)
        );
        let printed = redacted(&config).to_string();
        assert!(
            !printed.contains("geheim") && !printed.contains("sealing"),
            "{printed}"
        );
    }

    #[test]
    fn a_missing_one_is_named() {
        let refused = format!("{:#}", loaded(&GIVEN[1..]).unwrap_err());
        assert!(refused.contains("database.url"), "{refused}");
    }
}
