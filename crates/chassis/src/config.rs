//! Layered configuration: a service's embedded defaults < its file < the environment; and the sections of every service.
//!
//! Unknown keys are refused, secrets are printed as `***`, and nothing else in the workspace reads the environment.

mod duration;
mod layers;
mod network;
mod secret;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use duration::{millis, seconds};
pub use layers::{ServiceConfig, Sources, load, read_file, redacted, variable};
pub use network::{Peer, Redis, Tls};
pub use secret::Secret;

/// The sections of every service, read by [`load`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Common {
    pub server: Server,
    pub admin: Admin,
    pub telemetry: Telemetry,
    pub identity: Identity,
    pub tls: Tls,
    pub runtime: Runtime,
}

impl Common {
    /// Keys of the sections.
    const SECTIONS: [&str; 6] = ["server", "admin", "telemetry", "identity", "tls", "runtime"];
}

/// `[server]`: the gRPC port.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address to listen on. Default `0.0.0.0:50051`.
    pub listen: SocketAddr,
    /// Default and upper bound of the deadline of a unary call. Default 15 s.
    #[serde(rename = "request_timeout_ms", with = "millis")]
    pub request_timeout: Duration,
    /// Upper bound of the size of a request message. Default 4 MiB.
    pub max_message_bytes: usize,
    /// Upper bound of the unary calls handled at a time; more are refused as unavailable. Default 1,024.
    pub max_in_flight: usize,
    /// Upper bound of the streams open at a time on one connection. Default 16,384: the gateway has those of all its clients on one.
    pub max_streams_per_connection: u32,
    /// Time from the signal until the server stops accepting calls. Its readiness fails meanwhile, so that balancers can remove it.
    /// Default 0; Kubernetes sets 5 s.
    #[serde(rename = "drain_delay_ms", with = "millis")]
    pub drain_delay: Duration,
    /// Time after that for running calls to finish. Default 20 s.
    #[serde(rename = "drain_timeout_ms", with = "millis")]
    pub drain_timeout: Duration,
    /// Whether gRPC reflection is served. Default true.
    pub reflection: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 50051)),
            request_timeout: Duration::from_secs(15),
            max_message_bytes: 4 << 20,
            max_in_flight: 1024,
            max_streams_per_connection: 16_384,
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(20),
            reflection: true,
        }
    }
}

/// `[runtime]`: threads of the process.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Runtime {
    /// Threads that run tasks. Default 0: one on a machine, or under a CPU limit, of less than four CPUs, else one per CPU.
    pub worker_threads: usize,
}

/// `[admin]`: the HTTP port for `/metrics`, `/livez`, `/readyz`. Reachable inside the cluster only.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address to listen on; no admin port when absent.
    pub listen: Option<SocketAddr>,
}

/// `[telemetry]`: logs and traces.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Log levels by target: `info`, `warn,carshare_store=debug`. Default `info`.
    pub log: String,
    /// Default `json`.
    pub format: LogFormat,
    /// OTLP collector, `http://host:4317`; without one, or with an empty text, no spans are made, and the trace context of a caller is
    /// passed on as it came.
    #[serde(deserialize_with = "none_if_empty")]
    pub otlp_endpoint: Option<String>,
    /// Share of new traces that are recorded, 0 to 1; the decision of a caller is kept. Default 1.
    pub sample_ratio: f64,
}

/// A variable of a manifest can be empty, but not absent.
fn none_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            format: LogFormat::Json,
            otlp_endpoint: None,
            sample_ratio: 1.0,
        }
    }
}

/// Format of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    Text,
}

/// `[identity]`: verification of access tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Required `iss` of access tokens. Default `https://carshare.kr`.
    pub issuer: String,
    /// Required `aud` of access tokens. Default `carshare`.
    pub audience: String,
    /// Server of `AuthService.GetJwks`; absent in auth itself, which has the keys.
    pub jwks: Option<Peer>,
    /// Age at which the key set is fetched again. A token with an unknown key id fetches it at once. Default 5 min.
    #[serde(rename = "jwks_refresh_ms", with = "millis")]
    pub jwks_refresh: Duration,
    /// Shortest interval between two fetches, so that forged key ids cannot overload auth. Default 5 s.
    #[serde(rename = "jwks_min_interval_ms", with = "millis")]
    pub jwks_min_interval: Duration,
    /// Time for which an expired token is still accepted, for clocks that differ. Default 0.
    #[serde(rename = "leeway_ms", with = "millis")]
    pub leeway: Duration,
    /// Check of revoked tokens. Default `off`; the gateway and the services set `open`.
    pub revocation: RevocationPolicy,
    /// Services that have checked it for the calls that they send; it is not checked again. Default none; the services name the gateway.
    pub revocation_checked_by: Vec<String>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            issuer: "https://carshare.kr".to_owned(),
            audience: "carshare".to_owned(),
            jwks: None,
            jwks_refresh: Duration::from_mins(5),
            jwks_min_interval: Duration::from_secs(5),
            leeway: Duration::ZERO,
            revocation: RevocationPolicy::Off,
            revocation_checked_by: Vec::new(),
        }
    }
}

/// Check of revoked tokens (`revoked:<jti>` in Redis).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevocationPolicy {
    #[default]
    Off,
    /// Checks; accepts the token while Redis is unreachable: it is valid for 15 minutes at most.
    Open,
    /// Checks; refuses the token as unavailable while Redis is unreachable.
    Closed,
}

/// `[seal]`: keys that encrypt secrets at rest, see [`crate::encryption`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Id of the key that encrypts new values.
    pub primary: String,
    /// Keys by id: 32 bytes in base64. Old ones decrypt values that are encrypted with them.
    pub keys: BTreeMap<String, Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_collector_is_none() {
        let read = |json| serde_json::from_value::<Telemetry>(json).unwrap().otlp_endpoint;
        assert_eq!(read(serde_json::json!({ "otlp_endpoint": "" })), None);
        assert_eq!(read(serde_json::json!({})), None);
        let endpoint = serde_json::json!({ "otlp_endpoint": "http://collector:4317" });
        assert_eq!(read(endpoint).as_deref(), Some("http://collector:4317"));
    }

    #[test]
    fn sections_lists_the_fields_of_common() {
        let common = serde_json::to_value(Common::default()).unwrap();
        let mut sections = Common::SECTIONS;
        sections.sort_unstable();
        assert!(common.as_object().unwrap().keys().eq(sections), "{common}");
    }
}
