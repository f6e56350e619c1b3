//! Configuration of the payment service. `config.default.toml` documents every key.

use std::time::Duration;

use carshare_chassis::config::{Admin, Common, Identity, Redis, Seal, Secret, Server, Telemetry, Tls};
use carshare_store::config::Database;
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
    #[serde(default)]
    pub identity: Identity,
    #[serde(default)]
    pub tls: Tls,
    pub database: Database,
    pub redis: Redis,
    pub seal: Seal,
    pub toss: Toss,
    #[serde(default)]
    pub worker: Worker,
}

/// `[toss]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toss {
    /// API key: `test_sk_…` or `live_sk_…`.
    pub secret_key: Secret,
    /// Timeout of a billing key charge including retries; other calls have `http.timeout_ms`.
    pub billing_timeout_ms: u64,
    pub http: carshare_outbound::Config,
}

/// `[worker]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Worker {
    /// Payments, and refunds, in progress at a time in one process. Default 8.
    pub concurrency: usize,
    /// How long a worker's claim on a payment or refund lasts; after a crash the row is claimed again then. A call that takes
    /// longer is looked up or repeated under its idempotency key by another worker. Default 15,000.
    pub claim_timeout_ms: u64,
    /// How often an idle worker polls for rows that other replicas made due. Default 2,000.
    pub poll_interval_ms: u64,
    /// How often the invariants are checked. Default 300,000.
    pub invariant_check_interval_ms: u64,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            concurrency: 8,
            claim_timeout_ms: 15_000,
            poll_interval_ms: 2_000,
            invariant_check_interval_ms: 300_000,
        }
    }
}

impl Worker {
    /// [`Worker::claim_timeout_ms`] as a duration.
    pub fn claim_timeout(&self) -> Duration {
        Duration::from_millis(self.claim_timeout_ms)
    }

    /// [`Worker::poll_interval_ms`] as a duration.
    pub fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    /// [`Worker::invariant_check_interval_ms`] as a duration.
    pub fn invariant_check_interval(&self) -> Duration {
        Duration::from_millis(self.invariant_check_interval_ms)
    }
}

impl Config {
    /// Returns the sections that the chassis needs.
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

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{Sources, load, redacted};

    use super::*;
    use crate::{DEFAULTS, NAME};

    const SEAL_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn load_with(names: &[(&str, &str)]) -> anyhow::Result<Config> {
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
        let config = load_with(&required()).unwrap();
        assert_eq!(
            (config.toss.billing_timeout_ms, config.toss.http.timeout_ms),
            (60_000, 30_000)
        );
        assert_eq!(config.worker.claim_timeout(), Duration::from_secs(15));
        let printed = redacted(&config).to_string();
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
