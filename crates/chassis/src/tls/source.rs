//! Where the PEM texts of a certificate are: inline in the configuration, or in files, which are read again.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::config::{Secret, Tls};

/// Where a certificate comes from, and for whom it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// Label of metrics and log lines.
    pub(super) name: &'static str,
    pub(super) chain: PemSource,
    pub(super) key: PemSource,
    pub(super) clients: Clients,
}

/// Who connects to a server with this certificate.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Clients {
    /// Services with certificates of these authorities.
    Mesh { authorities: PemSource },
    /// Clients without a certificate.
    Public { min_version: TlsVersion },
}

/// The least version of TLS that a client has to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    V1_2,
    #[default]
    #[serde(rename = "1.3")]
    V1_3,
}

/// A text in PEM, by the configuration key that has it or its path.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum PemSource {
    Inline { key: &'static str, text: Secret },
    File { key: &'static str, path: PathBuf },
}

/// The texts of a [`Source`].
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pems {
    pub chain: Secret,
    pub key: Secret,
    pub authorities: Option<Secret>,
}

impl Source {
    /// Returns the source that `[tls]` names; `None` when it names none and `insecure` allows plain text.
    ///
    /// # Errors
    /// An incomplete or contradictory section.
    pub fn mesh(tls: &Tls) -> anyhow::Result<Option<Self>> {
        let (ca, cert) = (tls.ca_pem.as_deref(), tls.cert_pem.as_deref());
        let key = tls.key_pem.as_ref().map(Secret::expose);
        let authorities = PemSource::new(("tls.ca_pem", ca), ("tls.ca_path", tls.ca_path.as_deref()))?;
        let chain = PemSource::new(
            ("tls.cert_pem", cert),
            ("tls.cert_path", tls.cert_path.as_deref()),
        )?;
        let key = PemSource::new(("tls.key_pem", key), ("tls.key_path", tls.key_path.as_deref()))?;
        match (authorities, chain, key) {
            (Some(authorities), Some(chain), Some(key)) => Ok(Some(Self {
                name: "mesh",
                chain,
                key,
                clients: Clients::Mesh { authorities },
            })),
            (None, None, None) if tls.insecure => Ok(None),
            (None, None, None) => anyhow::bail!("no certificate is configured and tls.insecure is not set"),
            _ => anyhow::bail!("tls needs all three of ca_path, cert_path and key_path"),
        }
    }

    /// Returns the source of the certificate of the public port: the files of `[https]`.
    pub fn https(cert_path: PathBuf, key_path: PathBuf, min_version: TlsVersion) -> Self {
        let file = |key, path| PemSource::File { key, path };
        Self {
            name: "https",
            chain: file("https.cert_path", cert_path),
            key: file("https.key_path", key_path),
            clients: Clients::Public { min_version },
        }
    }

    pub(super) fn read(&self) -> anyhow::Result<Pems> {
        let authorities = match &self.clients {
            Clients::Mesh { authorities } => Some(authorities.read()?),
            Clients::Public { .. } => None,
        };
        Ok(Pems {
            chain: self.chain.read()?,
            key: self.key.read()?,
            authorities,
        })
    }
}

impl PemSource {
    fn new(
        inline: (&'static str, Option<&str>),
        file: (&'static str, Option<&Path>),
    ) -> anyhow::Result<Option<Self>> {
        match (inline, file) {
            ((inline, Some(_)), (file, Some(_))) => anyhow::bail!("both {inline} and {file} are set"),
            ((key, Some(text)), _) => Ok(Some(Self::Inline {
                key,
                text: text.into(),
            })),
            (_, (key, Some(path))) => Ok(Some(Self::File {
                key,
                path: path.to_owned(),
            })),
            _ => Ok(None),
        }
    }

    fn read(&self) -> anyhow::Result<Secret> {
        match self {
            Self::Inline { text, .. } => Ok(text.clone()),
            Self::File { path, .. } => std::fs::read_to_string(path)
                .map(Secret::from)
                .with_context(|| format!("{self} cannot be read")),
        }
    }
}

impl fmt::Display for PemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline { key, .. } => f.write_str(key),
            Self::File { key, path } => write!(f, "{key} ({})", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(tls: &Tls) -> String {
        let read = Source::mesh(tls).and_then(|source| source.unwrap().read());
        format!("{:#}", read.err().unwrap())
    }

    #[test]
    fn plain_text_needs_insecure() {
        assert!(Source::mesh(&Tls::default()).is_err());
        assert!(Source::mesh(&Tls::insecure()).unwrap().is_none());
    }

    #[test]
    fn incomplete_section_is_an_error_even_when_insecure() {
        let half = Tls {
            cert_pem: Some("x".into()),
            ..Tls::insecure()
        };
        assert_eq!(
            refused(&half),
            "tls needs all three of ca_path, cert_path and key_path"
        );
    }

    #[test]
    fn inline_and_file_together_are_an_error() {
        let both = Tls {
            ca_pem: Some("x".into()),
            ca_path: Some("/ca.pem".into()),
            ..Tls::default()
        };
        assert_eq!(refused(&both), "both tls.ca_pem and tls.ca_path are set");
    }

    #[test]
    fn unreadable_file_is_named_with_its_key() {
        let tls = Tls {
            ca_pem: Some("x".into()),
            cert_path: Some("/nonexistent/tls.crt".into()),
            key_pem: Some("x".into()),
            ..Tls::default()
        };
        let refused = refused(&tls);
        let expected = "tls.cert_path (/nonexistent/tls.crt) cannot be read: No such file or directory";
        assert!(refused.starts_with(expected), "{refused}");
    }
}
