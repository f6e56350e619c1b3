//! Certificates of the mesh: both sides show one, and the name in it is who they are.

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

/// Header by which a caller names itself when there is no TLS; see [`Tls::insecure`].
pub(crate) const INSECURE_PEER: &str = "x-carshare-peer";

/// Makes aws-lc-rs the crypto of the process, for libraries that name none. Calling it again does nothing.
pub fn install_provider() {
    // The error says that one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The server side: shows our certificate, demands and verifies the client's. `None` means plain text.
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

/// The client side: shows our certificate, demands that the server's is for `server_name`. `None` means plain text.
pub fn client(tls: &Tls, server_name: &str) -> anyhow::Result<Option<ClientTlsConfig>> {
    let Some(pems) = tls.pems()? else { return Ok(None) };
    let identity = Identity::from_pem(pems.cert, pems.key.expose());
    let config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pems.ca));
    Ok(Some(config.identity(identity).domain_name(server_name)))
}

/// The service a verified certificate stands for.
pub fn peer_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(SPIFFE_PREFIX),
        _ => None,
    });
    let name = uris.next().filter(|name| !name.is_empty())?;
    // Two names in one certificate would let the bearer choose who it is.
    uris.next().is_none().then(|| name.to_owned())
}

fn certificates(pem: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>()?;
    anyhow::ensure!(!found.is_empty(), "there is no certificate in it");
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
    fn a_certificate_says_who_it_is() {
        let issued = Ca::new().unwrap().issue("booking").unwrap();
        let der = CertificateDer::from_pem_slice(issued.cert_pem.as_bytes()).unwrap();
        assert_eq!(peer_name(&der).as_deref(), Some("booking"));
    }

    #[test]
    fn a_certificate_without_our_uri_is_nobody() {
        let authority = Ca::new().unwrap().cert_pem();
        assert_eq!(
            peer_name(&CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()),
            None
        );
        assert_eq!(peer_name(&CertificateDer::from(vec![1, 2, 3])), None);
    }

    #[test]
    fn broken_material_is_refused_at_start_and_says_which() {
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
    fn plain_text_has_no_tls() {
        assert!(server(&Tls::insecure()).unwrap().is_none());
        assert!(client(&Tls::insecure(), "booking").unwrap().is_none());
    }
}
