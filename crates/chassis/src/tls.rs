//! Certificates: those of the mesh, which name the service at each end of a connection, and that of the public port. They are checked when they are
//! loaded and replaced without a restart when their files change.

mod certificate;
mod loaded;
mod pem;
mod source;

use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::clock::Clock;
pub use certificate::Certificate;
pub use source::{Source, TlsVersion};

/// Services are named by the URI SAN `spiffe://carshare/<name>`.
const SPIFFE_PREFIX: &str = "spiffe://carshare/";

/// Header in which a caller names itself without TLS; see [`insecure`](crate::config::Tls::insecure).
pub(crate) const INSECURE_PEER: &str = "x-carshare-peer";

/// Sets aws-lc-rs as the crypto provider of the process, for libraries that name none. Calling it again does nothing.
pub fn install_provider() {
    // Fails when a provider is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Returns the service that a verified certificate names.
pub fn peer_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(SPIFFE_PREFIX),
        _ => None,
    });
    let name = uris.next().filter(|name| !name.is_empty())?;
    // With two names the certificate would not identify one service.
    uris.next().is_none().then(|| name.to_owned())
}

/// The loaded certificates of a process: the server and all channels of a service share one, whose files are read once.
#[derive(Clone, Default)]
pub(crate) struct Certificates(Arc<Mutex<Vec<(Source, Certificate)>>>);

impl Certificates {
    /// Returns the certificate of a source and loads it if this is its first use.
    pub fn get(&self, source: Source, clock: &Clock) -> anyhow::Result<Certificate> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, loaded)) = all.iter().find(|(known, _)| *known == source) {
            return Ok(loaded.clone());
        }
        let certificate = Certificate::load(source.clone(), clock.clone())?;
        all.push((source, certificate.clone()));
        Ok(certificate)
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificates")
    }
}

#[cfg(test)]
mod tests {
    use carshare_testkit::Ca;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;
    use crate::config::Tls;

    #[test]
    fn certificate_names_its_service() {
        let issued = Ca::new().unwrap().issue("booking").unwrap();
        let der = CertificateDer::from_pem_slice(issued.cert_pem.as_bytes()).unwrap();
        assert_eq!(peer_name(&der).as_deref(), Some("booking"));
    }

    #[test]
    fn certificate_without_a_service_uri_names_none() {
        let authority = Ca::new().unwrap().cert_pem();
        assert_eq!(
            peer_name(&CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()),
            None
        );
        assert_eq!(peer_name(&CertificateDer::from(vec![1, 2, 3])), None);
    }

    #[tokio::test]
    async fn users_of_a_source_share_its_certificate() {
        let ca = Ca::new().unwrap();
        let source = |service| {
            let issued = ca.issue(service).unwrap();
            let tls = Tls {
                ca_pem: Some(ca.cert_pem()),
                cert_pem: Some(issued.cert_pem),
                key_pem: Some(issued.key_pem.into()),
                ..Tls::default()
            };
            Source::mesh(&tls).unwrap().unwrap()
        };
        let (booking, all, clock) = (source("booking"), Certificates::default(), Clock::system());
        let get = |source: &Source| all.get(source.clone(), &clock).unwrap().current();
        assert!(Arc::ptr_eq(&get(&booking), &get(&booking)));
        assert!(!Arc::ptr_eq(&get(&booking), &get(&source("vehicle"))));
    }
}
