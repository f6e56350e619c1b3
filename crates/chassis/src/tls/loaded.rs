//! A certificate that was read and checked, and the TLS configurations that use it.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, version};
use tonic::transport::{ClientTlsConfig, Identity};

use super::pem::{self, Dated};
use super::source::{Clients, PemSource, Pems, Source, TlsVersion};
use super::{peer_name, provider};
use crate::config::Secret;

/// A certificate that is fit for use.
pub(crate) struct Loaded {
    /// Configuration of servers.
    pub server: Arc<ServerConfig>,
    /// Verifies the certificates of clients; `None` for the public port.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    authorities: Authorities,
    pems: Pems,
    chain: Vec<Dated>,
    /// Where the certificate comes from, for messages.
    origin: String,
    /// The service that it names.
    service: Option<String>,
    /// The next time at which a certificate begins or ceases to be valid.
    changes_at: DateTime<Utc>,
}

/// Authorities of peers that are valid now; none for the public port. webpki does not look at the dates of an authority, so others are left out.
struct Authorities {
    trusted: Vec<Dated>,
    roots: RootCertStore,
    /// Times at which one begins or ceases to be valid.
    changes: Vec<DateTime<Utc>>,
}

impl Loaded {
    /// Parses and checks the texts of a source.
    ///
    /// # Errors
    /// What is wrong, with the configuration key and the file.
    pub(super) fn new(source: &Source, pems: Pems, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let chain = pem::certificates(&pems.chain, &source.chain)?;
        for certificate in &chain {
            certificate.check(now).with_context(|| source.chain.to_string())?;
        }
        let authorities = match (&source.clients, &pems.authorities) {
            (Clients::Mesh { authorities }, Some(text)) => Authorities::new(text, authorities, now)?,
            _ => Authorities::none(),
        };
        let verifier = authorities.verifier()?;
        let changes = authorities.changes.iter().copied();
        let changes = changes.chain(chain.iter().map(|one| one.not_after));
        let changes_at = changes.filter(|time| *time >= now).min();
        Ok(Self {
            server: Arc::new(server(source, &chain, &pems, verifier.clone())?),
            verifier,
            service: chain.first().and_then(|leaf| peer_name(&leaf.der)),
            changes_at: changes_at.unwrap_or(DateTime::<Utc>::MAX_UTC),
            origin: source.chain.to_string(),
            authorities,
            pems,
            chain,
        })
    }

    /// Returns whether texts read at `now` are those of this certificate, and nothing has become valid or expired since.
    pub(super) fn is_of(&self, pems: &Pems, now: DateTime<Utc>) -> bool {
        self.pems == *pems && now <= self.changes_at
    }

    /// Returns an error if this certificate names another service than the one in use.
    pub(super) fn check_replaces(&self, old: &Self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.service == old.service,
            "{}: the certificate names {}, and the one in use {}",
            self.origin,
            quoted(self.service.as_deref()),
            quoted(old.service.as_deref())
        );
        Ok(())
    }

    /// Returns whether the certificate chain of a client, leaf first, is of an authority that is trusted.
    pub fn accepts(&self, chain: &[CertificateDer<'_>]) -> bool {
        match (&self.verifier, chain.split_first()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(verifier), Some((leaf, intermediates))) => verifier
                .verify_client_cert(leaf, intermediates, UnixTime::now())
                .is_ok(),
        }
    }

    /// Returns the configuration of a client, which requires a server certificate for `server_name`.
    pub fn client(&self, server_name: &str) -> ClientTlsConfig {
        let identity = Identity::from_pem(self.pems.chain.expose(), self.pems.key.expose());
        ClientTlsConfig::new()
            .trust_anchors(self.authorities.roots.roots.clone())
            .identity(identity)
            .domain_name(server_name)
    }

    /// Returns the time at which a certificate of the chain expires.
    pub fn not_after(&self) -> DateTime<Utc> {
        let all = self.chain.iter().map(|one| one.not_after);
        all.min().unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Returns the time at which the last authority expires.
    pub fn authorities_not_after(&self) -> Option<DateTime<Utc>> {
        self.authorities.trusted.iter().map(|one| one.not_after).max()
    }

    /// Returns an error unless the certificate names this service of the mesh.
    pub fn check_service(&self, service: &str) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.service.as_deref() == Some(service),
            "{}: the certificate names {}, and this is the service {service}, so it needs the URI spiffe://carshare/{service}",
            self.origin,
            quoted(self.service.as_deref()),
        );
        Ok(())
    }

    /// Returns an error unless clients accept the certificate for this host.
    pub fn check_host(&self, host: &str) -> anyhow::Result<()> {
        let leaf = self.chain.first().context("a chain has a leaf")?;
        let parsed = ParsedCertificate::try_from(&leaf.der)?;
        let name = ServerName::try_from(host).with_context(|| format!("{host:?} is no name of a server"))?;
        verify_server_name(&parsed, &name)
            .with_context(|| format!("{}: the certificate is not for {host}", self.origin))
    }
}

fn quoted(service: Option<&str>) -> String {
    service.map_or_else(
        || "no service".to_owned(),
        |service| format!("the service {service}"),
    )
}

impl Authorities {
    fn none() -> Self {
        Self {
            trusted: Vec::new(),
            roots: RootCertStore::empty(),
            changes: Vec::new(),
        }
    }

    /// Parses a text, of whose certificates one has to be valid at `now`.
    fn new(text: &Secret, source: &PemSource, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let all = pem::certificates(text, source)?;
        let any_is_valid = all.iter().map(|one| one.check(now)).reduce(Result::or);
        any_is_valid
            .unwrap_or(Ok(()))
            .with_context(|| source.to_string())?;
        let changes = all
            .iter()
            .flat_map(|one| [one.not_before, one.not_after])
            .collect();
        let trusted: Vec<Dated> = all.into_iter().filter(|one| one.check(now).is_ok()).collect();
        let mut roots = RootCertStore::empty();
        for authority in &trusted {
            let added = roots.add(authority.der.clone());
            added.with_context(|| format!("{source} has a certificate that is no authority"))?;
        }
        Ok(Self {
            trusted,
            roots,
            changes,
        })
    }

    fn verifier(&self) -> anyhow::Result<Option<Arc<dyn ClientCertVerifier>>> {
        if self.roots.is_empty() {
            return Ok(None);
        }
        let roots = Arc::new(self.roots.clone());
        Ok(Some(
            WebPkiClientVerifier::builder_with_provider(roots, provider()).build()?,
        ))
    }
}

fn server(
    source: &Source,
    chain: &[Dated],
    pems: &Pems,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
) -> anyhow::Result<ServerConfig> {
    let key = pem::private_key(&pems.key, &source.key)?;
    let ders = chain.iter().map(|certificate| certificate.der.clone()).collect();
    let certified = CertifiedKey::from_der(ders, key, &provider())
        .with_context(|| format!("{} and {} do not fit", source.chain, source.key))?;
    let resolver = Arc::new(SingleCertAndKey::from(certified));
    let builder = ServerConfig::builder_with_provider(provider());
    Ok(match &source.clients {
        Clients::Mesh { .. } => {
            let verifier = verifier.context("the mesh has authorities")?;
            let mut config = builder
                .with_protocol_versions(&[&version::TLS13])?
                .with_client_cert_verifier(verifier)
                .with_cert_resolver(resolver);
            config.alpn_protocols = vec![b"h2".to_vec()];
            // A resumed session would not verify the certificate of the client again.
            config.send_tls13_tickets = 0;
            config
        }
        Clients::Public { min_version } => {
            let versions: &[_] = match min_version {
                TlsVersion::V1_2 => &[&version::TLS13, &version::TLS12],
                TlsVersion::V1_3 => &[&version::TLS13],
            };
            let mut config = builder
                .with_protocol_versions(versions)?
                .with_no_client_auth()
                .with_cert_resolver(resolver);
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            config.ticketer = Ticketer::new()?;
            config
        }
    })
}

#[cfg(test)]
mod tests;
