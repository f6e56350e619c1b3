//! The gateway's configuration. `config.default.toml` is its documentation.

use std::collections::BTreeMap;
use std::time::Duration;

use carshare_chassis::config::{Peer, Redis, millis};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[redis]`: signed-out tokens and the counters of the limits. Without it neither is known to other processes.
    pub redis: Option<Redis>,
    /// `[peers.<service>]`: where the packages `carshare.<service>.v1` are served.
    pub peers: BTreeMap<String, Peer>,
    /// `[edge]`: bounds of a request.
    pub edge: EdgeConfig,
    /// `[limits]`: how often one may ask.
    pub limits: Limits,
    /// `[cors]`: who may ask from a browser.
    pub cors: Cors,
}

/// `[edge]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeConfig {
    /// Largest body of a REST request.
    pub max_body_bytes: usize,
    /// Largest reply message that is turned into JSON.
    pub max_reply_bytes: usize,
    /// A comment is sent on an event stream when nothing else was for this long.
    #[serde(rename = "keep_alive_ms", with = "millis")]
    pub keep_alive: Duration,
    /// Streams open at a time; more are refused as unavailable. A service has to authorize as many on one
    /// connection (`server.max_streams_per_connection`).
    pub max_streams: usize,
    /// The environment reaches us by HTTPS: send Strict-Transport-Security.
    pub https: bool,
}

/// `[limits]`. Zero is no limit. The mesh of one machine, where all clients have one address, sets higher ones than the
/// embedded defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Calls a minute from one address.
    pub per_minute_by_address: u32,
    /// Calls an hour of one user.
    pub per_hour_by_user: u32,
    /// The limits of the classes that the contract names are multiplied by this.
    pub class_factor: u32,
    /// Proxies of ours in front of this port, each of which adds to X-Forwarded-For. Default 0: the connection counts.
    pub proxies: usize,
}

/// `[cors]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Origins whose scripts may ask, `https://app.carshare.kr`.
    pub origins: Vec<String>,
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{Sources, load};

    use super::*;

    #[test]
    fn embedded_limits_are_those_of_the_product() {
        let embedded = load::<Config>(Sources {
            service: "gateway",
            defaults: include_str!("../config.default.toml"),
            file: None,
            env: [],
        })
        .unwrap();
        let limits = embedded.service.limits;
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
