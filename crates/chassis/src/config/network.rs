//! Sections about connections: peers, TLS, Redis.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
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

/// `[tls]`: own certificate and authority of the mesh, as PEM, inline or in files.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Certificate of the authority of the mesh.
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

/// PEM texts of a [`Tls`] section.
#[derive(Clone, Debug)]
pub struct Pems {
    pub ca: String,
    pub cert: String,
    pub key: Secret,
}

impl Tls {
    /// Returns a section for plain text, for tests.
    pub fn insecure() -> Self {
        Self {
            insecure: true,
            ..Self::default()
        }
    }

    /// Reads the PEM texts; `None` when there are none and `insecure` allows it.
    pub fn pems(&self) -> anyhow::Result<Option<Pems>> {
        let ca = text(self.ca_pem.as_deref(), self.ca_path.as_deref())?;
        let cert = text(self.cert_pem.as_deref(), self.cert_path.as_deref())?;
        let key = text(
            self.key_pem.as_ref().map(Secret::expose),
            self.key_path.as_deref(),
        )?;
        match (ca, cert, key) {
            (Some(ca), Some(cert), Some(key)) => Ok(Some(Pems {
                ca,
                cert,
                key: key.into(),
            })),
            (None, None, None) if self.insecure => Ok(None),
            (None, None, None) => anyhow::bail!("no certificate is configured and tls.insecure is not set"),
            _ => anyhow::bail!("tls needs all three of authority, certificate and key"),
        }
    }
}

fn text(inline: Option<&str>, path: Option<&Path>) -> anyhow::Result<Option<String>> {
    match (inline, path) {
        (Some(_), Some(path)) => anyhow::bail!("both inline PEM and the file {} are given", path.display()),
        (Some(pem), None) => Ok(Some(pem.to_owned())),
        (None, Some(path)) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .map(Some),
        (None, None) => Ok(None),
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
    fn plain_text_needs_insecure() {
        assert!(Tls::default().pems().is_err());
        assert!(Tls::insecure().pems().unwrap().is_none());
    }

    #[test]
    fn incomplete_certificates_are_an_error_even_when_insecure() {
        let half = Tls {
            cert_pem: Some("x".into()),
            ..Tls::insecure()
        };
        assert_eq!(
            half.pems().unwrap_err().to_string(),
            "tls needs all three of authority, certificate and key"
        );
    }

    #[test]
    fn inline_and_file_together_are_an_error() {
        let both = Tls {
            ca_pem: Some("x".into()),
            ca_path: Some("/ca.pem".into()),
            ..Tls::default()
        };
        assert_eq!(
            both.pems().unwrap_err().to_string(),
            "both inline PEM and the file /ca.pem are given"
        );
    }

    #[test]
    fn invalid_redis_url_is_not_in_the_error() {
        let refused = Redis::at("nonsense://hunter2").shared().err().unwrap();
        assert_eq!(refused.to_string(), "redis.url is not valid");
    }
}
