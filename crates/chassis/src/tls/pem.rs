//! Parses certificates in PEM and checks when they are valid.

use anyhow::{Context as _, anyhow};
use chrono::{DateTime, SecondsFormat, Utc};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::source::PemSource;
use crate::config::Secret;

/// A certificate with the time in which it is valid.
#[derive(Clone, Debug)]
pub(super) struct Dated {
    pub der: CertificateDer<'static>,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
}

/// Returns the certificates in a text, at least one.
pub(super) fn certificates(text: &Secret, source: &PemSource) -> anyhow::Result<Vec<Dated>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.expose().as_bytes()).collect();
    let found = found.with_context(|| format!("{source} is not PEM"))?;
    anyhow::ensure!(!found.is_empty(), "{source} has no certificate in PEM");
    let dated = found.into_iter().map(Dated::parse).collect::<Option<_>>();
    dated.with_context(|| format!("{source} has a certificate that is not X.509"))
}

/// Returns the private key in a text. The error does not quote the text.
pub(super) fn private_key(text: &Secret, source: &PemSource) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(text.expose().as_bytes())
        .map_err(|_| anyhow!("{source} has no private key in PEM"))
}

impl Dated {
    fn parse(der: CertificateDer<'static>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(&der).ok()?;
        let validity = parsed.validity();
        let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        Some(Self {
            not_before: DateTime::from_timestamp(from, 0)?,
            not_after: DateTime::from_timestamp(to, 0)?,
            der,
        })
    }

    /// Returns an error with the dates unless the certificate is valid at `now`.
    pub fn check(&self, now: DateTime<Utc>) -> anyhow::Result<()> {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (from, to) = (text(self.not_before), text(self.not_after));
        anyhow::ensure!(
            now >= self.not_before,
            "the certificate is not valid yet: from {from} to {to}"
        );
        anyhow::ensure!(
            now <= self.not_after,
            "the certificate has expired: it was valid from {from} to {to}"
        );
        Ok(())
    }
}
