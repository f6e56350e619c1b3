//! Configuration of the auth service. `config.default.toml` documents every key.

use std::collections::BTreeMap;
use std::time::Duration;

use carshare_chassis::config::{Peer, Redis, Seal, millis};
use carshare_store::config::Database;
use serde::{Deserialize, Serialize};

use crate::{audit, issuer, keys, login_attempts, mail, passwords};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: Database,
    pub redis: Redis,
    pub seal: Seal,
    /// Services whose events are consumed, by name: their event logs are read.
    pub publishers: BTreeMap<String, Peer>,
    pub vehicle: Peer,
    pub booking: Peer,
    pub payment: Peer,
    pub notification: Peer,
    /// Object storage of the profile images.
    pub objects: carshare_objects::Config,
    pub profile_images: ProfileImages,
    pub passwords: passwords::Config,
    pub login: Login,
    pub mail: mail::Config,
    pub sessions: issuer::Config,
    pub login_delay: login_attempts::Config,
    pub audit: audit::Config,
    pub signing_keys: keys::Config,
    pub jobs: Jobs,
}

/// `[profile_images]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileImages {
    /// Lifetime of an upload URL.
    #[serde(rename = "upload_ttl_ms", with = "millis")]
    pub upload_ttl: Duration,
}

/// `[login]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Shortest time of a failed sign-in.
    #[serde(rename = "failure_ms", with = "millis")]
    pub failure: Duration,
}

/// `[jobs]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// How often all revocations are copied to Redis.
    #[serde(rename = "copy_revocations_every_ms", with = "millis")]
    pub copy_revocations_every: Duration,
    /// How often the files of abandoned profile images are deleted.
    #[serde(rename = "sweep_profile_images_every_ms", with = "millis")]
    pub sweep_profile_images_every: Duration,
    /// How often deletions whose call has not finished them are looked for.
    #[serde(rename = "finish_deletions_every_ms", with = "millis")]
    pub finish_deletions_every: Duration,
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{ServiceConfig, Sources, load, redacted};
    use carshare_proto::contract;

    use super::*;

    const DEFAULTS: &str = include_str!("../config.default.toml");

    fn load_with(env: &[(&str, &str)]) -> anyhow::Result<ServiceConfig<Config>> {
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

    const REQUIRED: [(&str, &str); 4] = [
        ("AUTH__DATABASE__URL", "postgres://auth:geheim@db/carshare"),
        ("AUTH__REDIS__URL", "redis://cache"),
        ("AUTH__SEAL__PRIMARY", "k"),
        ("AUTH__SEAL__KEYS", "{ k = \"sealing\" }"),
    ];

    #[test]
    fn defaults_and_required_keys_suffice_and_secrets_are_redacted() {
        let config = load_with(&REQUIRED).unwrap();
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
    fn missing_required_key_is_named() {
        let error = format!("{:#}", load_with(&REQUIRED[1..]).unwrap_err());
        assert!(error.contains("database.url"), "{error}");
    }

    #[test]
    fn cached_key_sets_are_replaced_before_a_new_key_signs() {
        let keys = load_with(&REQUIRED).unwrap().service.signing_keys;
        let get_jwks = contract::method("/carshare.auth.v1.AuthService/GetJwks").unwrap();
        let max_age = contract::rest(&get_jwks).cache.unwrap().public_max_age_s;
        let oldest = keys.refresh + Duration::from_secs(max_age.try_into().unwrap());
        assert!(oldest < keys.publish_ahead, "{oldest:?}");
    }
}
