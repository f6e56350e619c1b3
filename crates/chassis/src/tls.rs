//! Mutual TLS between services; the certificate of each side names its service.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::config::Tls;

/// Services are named by the URI SAN `spiffe://carshare/<name>`.
const SPIFFE_PREFIX: &str = "spiffe://carshare/";

/// Header in which a caller names itself without TLS; see [`Tls::insecure`].
pub(crate) const INSECURE_PEER: &str = "x-carshare-peer";

/// Sets aws-lc-rs as the crypto provider of the process, for libraries that name none. Calling it again does nothing.
pub fn install_provider() {
    // Fails when a provider is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Returns the server configuration, which requires a client certificate of the mesh; `None` for plain text.
pub fn server(tls: &Tls) -> anyhow::Result<Option<Arc<ServerConfig>>> {
    let Some(pems) = tls.pems()? else { return Ok(None) };
    let chain = certificates(&pems.cert).context("tls: our certificate is not PEM")?;
    let key =
        PrivateKeyDer::from_pem_slice(pems.key.expose().as_bytes()).context("tls: our key is not PEM")?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&pems.ca).context("tls: the authority is not PEM")? {
        roots
            .add(certificate)
            .context("tls: the authority is not a certificate")?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .context("tls: our certificate and key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Some(Arc::new(config)))
}

/// Returns the client configuration, which requires a server certificate for `server_name`; `None` for plain text.
pub fn client(tls: &Tls, server_name: &str) -> anyhow::Result<Option<ClientTlsConfig>> {
    let Some(pems) = tls.pems()? else { return Ok(None) };
    let identity = Identity::from_pem(pems.cert, pems.key.expose());
    let config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pems.ca));
    Ok(Some(config.identity(identity).domain_name(server_name)))
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

fn certificates(pem: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>()?;
    anyhow::ensure!(!found.is_empty(), "no certificate found");
    Ok(found)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;
    use carshare_testkit::Ca;

    fn section(ca: &Ca, service: &str) -> Tls {
        let issued = ca.issue(service).unwrap();
        Tls {
            ca_pem: Some(ca.cert_pem()),
            cert_pem: Some(issued.cert_pem),
            key_pem: Some(issued.key_pem.into()),
            ..Tls::default()
        }
    }

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

    #[test]
    fn invalid_certificates_are_refused_by_name() {
        let ca = Ca::new().unwrap();
        assert!(server(&section(&ca, "booking")).unwrap().is_some());
        let broken = Tls {
            ca_pem: Some("nonsense".into()),
            ..section(&ca, "booking")
        };
        assert_eq!(
            server(&broken).unwrap_err().to_string(),
            "tls: the authority is not PEM"
        );
        let other = section(&ca, "vehicle");
        let mixed = Tls {
            key_pem: other.key_pem,
            ..section(&ca, "booking")
        };
        assert_eq!(
            server(&mixed).unwrap_err().to_string(),
            "tls: our certificate and key do not fit"
        );
    }

    #[test]
    fn plain_text_has_no_tls_configuration() {
        assert!(server(&Tls::insecure()).unwrap().is_none());
        assert!(client(&Tls::insecure(), "booking").unwrap().is_none());
    }
}
