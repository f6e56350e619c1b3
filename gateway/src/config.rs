//! The gateway's configuration. `config.default.toml` is its documentation.

use std::collections::BTreeMap;
use std::time::Duration;

use carshare_chassis::config::{Admin, Common, Identity, Peer, Redis, Server, Telemetry, Tls};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[server]`: the public port.
    pub server: Server,
    /// `[admin]`: metrics.
    #[serde(default)]
    pub admin: Admin,
    /// `[telemetry]`
    #[serde(default)]
    pub telemetry: Telemetry,
    /// `[identity]`: whose tokens are believed. The keys come from the peer `auth`.
    #[serde(default)]
    pub identity: Identity,
    /// `[tls]`: the gateway's own certificate, by which the services know it.
    #[serde(default)]
    pub tls: Tls,
    /// `[redis]`: signed-out tokens and the counters of the limits. Without it neither is known to other processes.
    #[serde(default)]
    pub redis: Option<Redis>,
    /// `[peers.<service>]`: where the packages `carshare.<service>.v1` are served.
    pub peers: BTreeMap<String, Peer>,
    /// `[edge]`: bounds of a request.
    #[serde(default)]
    pub edge: EdgeConfig,
    /// `[limits]`: how often one may ask.
    #[serde(default)]
    pub limits: Limits,
    /// `[cors]`: who may ask from a browser.
    #[serde(default)]
    pub cors: Cors,
}

/// `[edge]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeConfig {
    /// Largest body of a REST request. Default 1 MiB.
    pub max_body_bytes: usize,
    /// Largest reply message that is turned into JSON. Default 16 MiB.
    pub max_reply_bytes: usize,
    /// A comment is sent on an event stream when nothing else was for this long. Default 15,000.
    pub keep_alive_ms: u64,
    /// Streams open at a time; more are refused as unavailable. Default 10,000. A service has to authorize as many on one
    /// connection (`server.max_streams_per_connection`).
    pub max_streams: usize,
    /// The environment reaches us by HTTPS: send Strict-Transport-Security. Default false.
    pub https: bool,
}

/// `[limits]`. Zero is no limit. The defaults are those of the product; the mesh of one machine, where everybody has one
/// address, sets higher ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls a minute from one address. Default 100.
    pub per_minute_by_address: u32,
    /// Calls an hour of one user. Default 1,000.
    pub per_hour_by_user: u32,
    /// The limits of the classes that the contract names are multiplied by this. Default 1.
    pub class_factor: u32,
    /// Proxies of ours in front of this port, each of which adds to X-Forwarded-For. Default 0: the connection counts.
    pub proxies: usize,
}

/// `[cors]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Origins whose scripts may ask, `https://app.carshare.kr`. Default none.
    pub origins: Vec<String>,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            max_reply_bytes: 16 << 20,
            keep_alive_ms: 15_000,
            max_streams: 10_000,
            https: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_minute_by_address: 100,
            per_hour_by_user: 1_000,
            class_factor: 1,
            proxies: 0,
        }
    }
}

impl EdgeConfig {
    /// [`EdgeConfig::keep_alive_ms`] as a duration.
    pub fn keep_alive(&self) -> Duration {
        Duration::from_millis(self.keep_alive_ms)
    }
}

impl Config {
    /// The sections the chassis reads.
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
    use carshare_chassis::config::{Sources, load};

    use super::*;

    #[test]
    fn the_limits_are_those_of_the_product_unless_somebody_says_otherwise() {
        let embedded: Config = load(Sources {
            service: "gateway",
            defaults: include_str!("../config.default.toml"),
            file: None,
            env: [],
        })
        .unwrap();
        for limits in [embedded.limits, Limits::default()] {
            assert_eq!(
                (
                    limits.per_minute_by_address,
                    limits.per_hour_by_user,
                    limits.class_factor
                ),
                (100, 1000, 1)
            );
        }
    }
}
