//! Configuration of the payment service. `config.default.toml` documents every key.

use std::collections::BTreeMap;
use std::time::Duration;

use carshare_chassis::config::{Peer, Redis, Seal, Secret, millis, seconds};
use carshare_store::config::Database;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: Database,
    pub redis: Redis,
    /// Services whose events are consumed, by name: their event logs are read.
    pub publishers: BTreeMap<String, Peer>,
    pub seal: Seal,
    pub toss: Toss,
    pub worker: Worker,
    pub reconciliation: Reconciliation,
    pub settlement: Settlement,
}

/// `[toss]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toss {
    /// API key: `test_sk_…` or `live_sk_…`.
    pub secret_key: Secret,
    /// Timeout of a billing key charge including retries; other calls have `http.timeout_ms`.
    #[serde(rename = "billing_timeout_ms", with = "millis")]
    pub billing_timeout: Duration,
    pub http: carshare_outbound::Config,
}

/// `[worker]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Payments, and refunds, in progress at a time in one process.
    pub concurrency: usize,
    /// How long a worker's claim on a payment or refund lasts; after a crash the row is claimed again then. A call that takes
    /// longer is looked up or repeated under its idempotency key by another worker.
    #[serde(rename = "claim_timeout_ms", with = "millis")]
    pub claim_timeout: Duration,
    /// How often an idle worker polls for rows that other replicas made due.
    #[serde(rename = "poll_interval_ms", with = "millis")]
    pub poll_interval: Duration,
    /// How often the invariants are checked.
    #[serde(rename = "invariant_check_interval_ms", with = "millis")]
    pub invariant_check_interval: Duration,
}

/// `[reconciliation]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconciliation {
    /// How often a payment is looked up at the provider.
    #[serde(rename = "interval_s", with = "seconds")]
    pub interval: Duration,
    /// How long payments are looked up after the end of the booking or rental.
    #[serde(rename = "window_s", with = "seconds")]
    pub window: Duration,
    /// Upper bound of lookups in one process; the provider limits requests.
    pub lookups_per_minute: u32,
}

impl Reconciliation {
    /// Returns the shortest time between two lookups in one process.
    pub fn lookup_interval(&self) -> Duration {
        Duration::from_mins(1) / self.lookups_per_minute.max(1)
    }
}

/// `[settlement]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// How often settlements are made.
    #[serde(rename = "every_ms", with = "millis")]
    pub every: Duration,
    /// How long a payment is kept back after the end of its rental or booking, for claims and refunds.
    #[serde(rename = "hold_ms", with = "millis")]
    pub hold: Duration,
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{ServiceConfig, Sources, load, redacted};

    use super::*;
    use crate::{DEFAULTS, NAME};

    const SEAL_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn load_with(names: &[(&str, &str)]) -> anyhow::Result<ServiceConfig<Config>> {
        let env = names
            .iter()
            .map(|(name, value)| (format!("PAYMENT__{name}"), (*value).to_owned()));
        load(Sources {
            service: NAME,
            defaults: DEFAULTS,
            file: None,
            env,
        })
    }

    fn required() -> Vec<(&'static str, &'static str)> {
        vec![
            ("DATABASE__URL", "postgres://payment:hunter2@localhost/carshare"),
            ("REDIS__URL", "redis://:hunter2@localhost/0"),
            ("SEAL__PRIMARY", "k1"),
            ("SEAL__KEYS__K1", SEAL_KEY),
            ("TOSS__SECRET_KEY", "test_sk_hunter2"),
        ]
    }

    #[test]
    fn defaults_and_required_keys_suffice_and_secrets_are_redacted() {
        let loaded = load_with(&required()).unwrap();
        let config = &loaded.service;
        assert_eq!(
            (config.toss.billing_timeout, config.toss.http.timeout),
            (Duration::from_mins(1), Duration::from_secs(30))
        );
        assert_eq!(config.worker.claim_timeout, Duration::from_secs(15));
        assert_eq!(
            (config.settlement.every, config.settlement.hold),
            (Duration::from_hours(24), Duration::from_hours(72))
        );
        let printed = redacted(&loaded).to_string();
        assert!(
            !printed.contains("hunter2") && !printed.contains(SEAL_KEY),
            "{printed}"
        );
    }

    #[test]
    fn missing_required_keys_are_named() {
        for index in 0..required().len() {
            let mut env = required();
            let missing = env.remove(index).0.to_lowercase();
            let error = format!("{:#}", load_with(&env).unwrap_err());
            let key = missing.split("__").nth(1).unwrap_or_default().to_owned();
            assert!(error.contains(&key), "{key}: {error}");
        }
    }
}
