//! The gateway's configuration. `config.default.toml` is its documentation.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use carshare_chassis::config::{Peer, Redis, millis};
use carshare_chassis::tls::TlsVersion;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[redis]`: revoked tokens and the counters of rate limits, shared by all processes.
    pub redis: Option<Redis>,
    /// `[peers.<service>]`: addresses of the packages `carshare.<service>.v1`.
    pub peers: BTreeMap<String, Peer>,
    pub https: HttpsConfig,
    pub edge: EdgeConfig,
    pub limits: Limits,
    pub cors: Cors,
    pub docs: Docs,
}

/// `[https]`: the port on which this process terminates TLS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpsConfig {
    /// Address to listen on; no such port when absent.
    pub listen: Option<SocketAddr>,
    /// Certificate chain in PEM, leaf first, for the host of `docs.public_url`.
    pub cert_path: Option<PathBuf>,
    pub key_path: Option<PathBuf>,
    /// The least version of TLS that clients have to speak.
    pub min_version: TlsVersion,
}

/// `[edge]`: bounds of requests and streams.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeConfig {
    /// Largest body of a REST request.
    pub max_body_bytes: usize,
    /// Largest form with a file.
    pub max_form_bytes: usize,
    /// Forms with a file that are in memory at a time; more are refused as unavailable.
    pub max_forms: usize,
    /// Time in which a form with a file has to arrive whole.
    #[serde(rename = "form_timeout_ms", with = "millis")]
    pub form_timeout: Duration,
    /// Time in which the body of a request that is sent at once has to arrive whole.
    #[serde(rename = "body_timeout_ms", with = "millis")]
    pub body_timeout: Duration,
    /// Largest reply message that is converted to JSON.
    pub max_reply_bytes: usize,
    /// Interval of the comments on a silent event stream.
    #[serde(rename = "keep_alive_ms", with = "millis")]
    pub keep_alive: Duration,
    /// Open streams; more are refused as unavailable. A service has to accept as many on one connection
    /// (`server.max_streams_per_connection`).
    pub max_streams: usize,
    /// Open streams of callers without an account, reflection and health, in addition to those.
    pub max_anonymous_streams: usize,
    /// Clients reach `server.listen` by a proxy that terminates HTTPS: requests there are as those of the HTTPS port, which has
    /// Strict-Transport-Security and redirects nothing.
    pub behind_https_proxy: bool,
}

/// `[limits]`: rate limits. Zero is no limit. The mesh of one machine, where all clients have one address, sets higher ones than the
/// embedded defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub per_minute_by_address: u32,
    pub per_hour_by_user: u32,
    /// Open connections of one address, those of trusted proxies aside; more are closed at once.
    pub connections_by_address: usize,
    /// Requests of one address that wait for their response head; more are refused.
    pub in_flight_by_address: usize,
    /// The same of all callers of a class, and of all callers of other RPCs without an account; one more ends the one whose body has been
    /// arriving longest, or is refused as unavailable. Below
    /// `server.max_in_flight`, so that neither takes all places.
    pub in_flight_by_class: usize,
    /// Open streams of one user, or of one address without an account; more are refused.
    pub streams_by_caller: usize,
    /// Calls of a class within a day, by the name of the class, in addition to the limit of the contract. Counted for the same owner.
    pub per_day_by_class: BTreeMap<String, u32>,
    /// Multiplies the limits of the contract's classes, and those of a day.
    pub class_factor: u32,
    /// Networks of the proxies in front of this port, `10.0.0.0/8`, whose entries in X-Forwarded-For count. Without any the address of a
    /// caller is that of the connection.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks from which the calls of a class may come, by the name of the class. One that is not listed is called from anywhere.
    pub allowed_networks: BTreeMap<String, Vec<IpNet>>,
}

/// `[cors]`: cross-origin requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Allowed origins, `https://app.carshare.kr`. The port may be `*`: `http://localhost:*`.
    pub origins: Vec<String>,
}

/// `[docs]`: the API document and its page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docs {
    /// URL at which clients reach this port, without a trailing slash: the server of `/openapi.json` and of its code samples.
    pub public_url: String,
    /// Accounts that `/docs` offers for signing in. Of a development mesh only: the page names their password.
    pub demo_logins: Vec<String>,
    pub demo_password: String,
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
        assert_eq!(limits.per_day_by_class, [("registration".to_owned(), 50)].into());
    }
}
