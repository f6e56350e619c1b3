//! Sections about connections: peers, TLS, Redis.

use std::path::PathBuf;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::{Deserialize, Serialize};

use super::{Secret, millis};

/// Another service of the mesh.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// `http://host:port`, or `https://host:port` for mutual TLS, or `memory://service` for a service of the same process. The host is resolved again every few seconds, and
    /// calls are balanced over all its addresses. Replicas without a common name are separated by commas.
    pub uri: String,
    /// Upper bound of the time of one call; a shorter deadline of the caller wins. Default 5 s.
    #[serde(rename = "timeout_ms", with = "millis", default = "default_timeout")]
    pub timeout: Duration,
    /// Name in the peer's certificate. Default: the name of the service.
    #[serde(default)]
    pub server_name: Option<String>,
}

const fn default_timeout() -> Duration {
    Duration::from_secs(5)
}

impl Peer {
    /// A peer at `uri` with default settings.
    pub fn at(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            timeout: default_timeout(),
            server_name: None,
        }
    }
}

/// `[tls]`: own certificate and authority of the mesh, as PEM, inline or in files, which are read again when they change; see [`crate::tls`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Certificates of the authorities of the mesh: two while one replaces the other.
    pub ca_pem: Option<String>,
    /// The same in a file.
    pub ca_path: Option<PathBuf>,
    /// Own certificate chain, leaf first; URI SAN `spiffe://carshare/<service>`, DNS SAN `<service>`.
    pub cert_pem: Option<String>,
    /// The same in a file.
    pub cert_path: Option<PathBuf>,
    pub key_pem: Option<Secret>,
    /// The same in a file.
    pub key_path: Option<PathBuf>,
    /// Allows plain text when no certificate is given. The header `x-carshare-peer` then names the calling service: for tests and
    /// development only. Default false.
    pub insecure: bool,
    /// Own name in that header.
    pub insecure_as: Option<String>,
}

impl Tls {
    /// Returns a section for plain text, for tests.
    pub fn insecure() -> Self {
        Self {
            insecure: true,
            ..Self::default()
        }
    }
}

/// `[redis]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `redis://user:password@host:port/db`, `rediss://` for TLS.
    pub url: Secret,
    /// Default 1 s.
    #[serde(
        rename = "connect_timeout_ms",
        with = "millis",
        default = "default_redis_timeout"
    )]
    pub connect_timeout: Duration,
    /// Upper bound of the time until a reply. Default 1 s.
    #[serde(
        rename = "response_timeout_ms",
        with = "millis",
        default = "default_redis_timeout"
    )]
    pub response_timeout: Duration,
}

const fn default_redis_timeout() -> Duration {
    Duration::from_secs(1)
}

impl Redis {
    /// Redis at `url` with default settings.
    pub fn at(url: impl Into<Secret>) -> Self {
        Self {
            url: url.into(),
            connect_timeout: default_redis_timeout(),
            response_timeout: default_redis_timeout(),
        }
    }

    /// Returns a connection that is opened at first use and reopened when it breaks; its clones share it. It is multiplexed, so
    /// blocking commands need [`Redis::dedicated`].
    pub fn shared(&self) -> anyhow::Result<ConnectionManager> {
        self.manager(Some(self.response_timeout))
    }

    /// Returns a connection without a response timeout, for blocking commands of one task.
    pub fn dedicated(&self) -> anyhow::Result<ConnectionManager> {
        self.manager(None)
    }

    /// Returns a client that opens connections of other kinds, as for subscriptions.
    ///
    /// # Errors
    /// An invalid URL.
    pub fn client(&self) -> anyhow::Result<redis::Client> {
        redis::Client::open(self.url.expose()).map_err(|_| anyhow::anyhow!("redis.url is not valid"))
    }

    fn manager(&self, response_timeout: Option<Duration>) -> anyhow::Result<ConnectionManager> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(response_timeout)
            .set_max_delay(Duration::from_secs(1));
        Ok(self.client()?.get_connection_manager_lazy(config)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_redis_url_is_not_in_the_error() {
        let refused = Redis::at("nonsense://hunter2").shared().err().unwrap();
        assert_eq!(refused.to_string(), "redis.url is not valid");
    }
}
