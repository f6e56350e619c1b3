//! The sections every service lists in its configuration. Each field says its unit and default.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Peer, Secret, Tls, millis};

/// The sections of every service, read by [`super::load`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Common {
    pub server: Server,
    pub admin: Admin,
    pub telemetry: Telemetry,
    pub identity: Identity,
    pub tls: Tls,
}

impl Common {
    /// Keys of the sections.
    pub(super) const SECTIONS: [&str; 5] = ["server", "admin", "telemetry", "identity", "tls"];
}

/// `[server]`: the gRPC port.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address to listen on. Default `0.0.0.0:50051`.
    pub listen: SocketAddr,
    /// Deadline of a unary call that brings none, and the longest one may ask for. Default 15 s.
    #[serde(rename = "request_timeout_ms", with = "millis")]
    pub request_timeout: Duration,
    /// Largest request message. Default 4 MiB.
    pub max_message_bytes: usize,
    /// Unary calls handled at a time; more are refused as unavailable. Default 1,024.
    pub max_in_flight: usize,
    /// Streams open at a time on one connection. Default 16,384: the gateway brings those of all its clients on one.
    pub max_streams_per_connection: u32,
    /// After the signal: time in which the server still accepts calls while its readiness already says no, so that
    /// balancers can look away. Default 0; Kubernetes sets 5 s.
    #[serde(rename = "drain_delay_ms", with = "millis")]
    pub drain_delay: Duration,
    /// After that: time that running calls have to finish. Default 20 s.
    #[serde(rename = "drain_timeout_ms", with = "millis")]
    pub drain_timeout: Duration,
    /// Offer gRPC reflection. Default true.
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

/// `[admin]`: the HTTP port for `/metrics`, `/livez`, `/readyz`. Never exposed to the outside.
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
    /// Levels of the log, by target: `info`, `warn,carshare_store=debug`. Default `info`.
    pub log: String,
    /// How a log line looks. Default `json`.
    pub format: LogFormat,
    /// OTLP collector, `http://host:4317`; traces are propagated but not exported when absent.
    pub otlp_endpoint: Option<String>,
    /// Share of the traces begun here that are recorded, 0 to 1; the caller's decision is kept. Default 1.
    pub sample_ratio: f64,
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

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    Text,
}

/// `[identity]`: whose access tokens are believed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Required `iss` of access tokens. Default `https://carshare.kr`.
    pub issuer: String,
    /// Required `aud` of access tokens. Default `carshare`.
    pub audience: String,
    /// Where `AuthService.GetJwks` is served; absent in auth itself, which knows its own keys.
    pub jwks: Option<Peer>,
    /// Age at which the key set is fetched again. An unknown key id fetches it at once. Default 5 min.
    #[serde(rename = "jwks_refresh_ms", with = "millis")]
    pub jwks_refresh: Duration,
    /// Shortest pause between two fetches, so that forged key ids cannot make us flood auth. Default 5 s.
    #[serde(rename = "jwks_min_interval_ms", with = "millis")]
    pub jwks_min_interval: Duration,
    /// How long an expired token is still believed, for clocks that differ. Default 0.
    #[serde(rename = "leeway_ms", with = "millis")]
    pub leeway: Duration,
    /// What to do about signed-out tokens. Default `off`; the gateway sets `open`.
    pub revocation: RevocationPolicy,
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
        }
    }
}

/// What to do about signed-out tokens (`revoked:<jti>` in Redis).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevocationPolicy {
    #[default]
    Off,
    /// Check; while Redis is unreachable, accept the token (it lives 15 minutes at most).
    Open,
    /// Ask; while Redis is away, refuse as unavailable.
    Closed,
}

/// `[seal]`: keys that encrypt secrets at rest, see [`crate::encryption`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Id of the key that new values are sealed with.
    pub primary: String,
    /// Keys by id: 32 bytes in base64. Old ones stay until no value uses them.
    pub keys: BTreeMap<String, Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_lists_the_fields_of_common() {
        let common = serde_json::to_value(Common::default()).unwrap();
        let mut sections = Common::SECTIONS;
        sections.sort_unstable();
        assert!(common.as_object().unwrap().keys().eq(sections), "{common}");
    }
}
