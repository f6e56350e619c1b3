//! The configuration of the payment service. `config.default.toml` explains every key.

use std::time::Duration;

use carshare_chassis::config::{Admin, Common, Identity, Redis, Seal, Secret, Server, Telemetry, Tls};
use carshare_store::config::Database;
use serde::{Deserialize, Serialize};

/// All sections.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The gRPC port.
    #[serde(default)]
    pub server: Server,
    /// The admin port.
    #[serde(default)]
    pub admin: Admin,
    /// Logs and traces.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Whose tokens are believed.
    #[serde(default)]
    pub identity: Identity,
    /// Certificates.
    #[serde(default)]
    pub tls: Tls,
    /// The service's schema.
    pub database: Database,
    /// The event streams.
    pub redis: Redis,
    /// Keys that seal billing keys.
    pub seal: Seal,
    /// The payment provider.
    pub toss: Toss,
    /// The background work.
    #[serde(default)]
    pub worker: Worker,
}

/// `[toss]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toss {
    /// `test_sk_…` or `live_sk_…`.
    pub secret_key: Secret,
    /// Longest time for a charge of a billing key with all its retries; the others have `http.timeout_ms`.
    pub billing_timeout_ms: u64,
    /// Base URL, time limits, retries, breaker.
    pub http: carshare_outbound::Config,
}

/// `[worker]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Worker {
    /// Payments and refunds in work at a time, each. Default 8.
    pub slots: usize,
    /// How long a worker has a payment or refund to itself. After a crash it is picked up again when this is over. A slow
    /// call may outlast it: a second worker then only asks, or repeats the call under its idempotency key. Default 15,000.
    pub claim_ms: u64,
    /// How often an idle worker looks for work that other replicas left behind. Default 2,000.
    pub poll_ms: u64,
    /// How often the books are checked against the payments. Default 300,000.
    pub doctor_ms: u64,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            slots: 8,
            claim_ms: 15_000,
            poll_ms: 2_000,
            doctor_ms: 300_000,
        }
    }
}

impl Worker {
    /// [`Worker::claim_ms`] as a duration.
    pub fn claim(&self) -> Duration {
        Duration::from_millis(self.claim_ms)
    }

    /// [`Worker::poll_ms`] as a duration.
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// [`Worker::doctor_ms`] as a duration.
    pub fn doctor(&self) -> Duration {
        Duration::from_millis(self.doctor_ms)
    }
}

impl Config {
    /// The sections of the server stack.
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

    fn given(names: &[(&str, &str)]) -> anyhow::Result<Config> {
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

    fn all() -> Vec<(&'static str, &'static str)> {
        vec![
            ("DATABASE__URL", "postgres://payment:hunter2@localhost/carshare"),
            ("REDIS__URL", "redis://:hunter2@localhost/0"),
            ("SEAL__PRIMARY", "k1"),
            ("SEAL__KEYS__K1", SEAL_KEY),
            ("TOSS__SECRET_KEY", "test_sk_hunter2"),
        ]
    }

    #[test]
    fn defaults_and_what_is_to_be_given_are_a_configuration_that_prints_no_secret() {
        let config = given(&all()).unwrap();
        assert_eq!(
            (config.toss.billing_timeout_ms, config.toss.http.timeout_ms),
            (60_000, 30_000)
        );
        assert_eq!(config.worker.claim(), Duration::from_secs(15));
        let printed = redacted(&config).to_string();
        assert!(
            !printed.contains("hunter2") && !printed.contains(SEAL_KEY),
            "{printed}"
        );
    }

    #[test]
    fn what_is_to_be_given_is_missed_by_name() {
        for index in 0..all().len() {
            let mut some = all();
            let missing = some.remove(index).0.to_lowercase();
            let refused = format!("{:#}", given(&some).unwrap_err());
            let key = missing.split("__").nth(1).unwrap_or_default().to_owned();
            assert!(refused.contains(&key), "{key}: {refused}");
        }
    }
}
