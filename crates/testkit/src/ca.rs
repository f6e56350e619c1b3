//! A certificate authority for the mesh of a test or of a development machine. Its key never leaves memory.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType,
};

/// An authority that signs the certificates of services.
pub struct Ca(CertifiedIssuer<'static, KeyPair>);

/// A service's certificate with its key, both PEM.
#[derive(Clone)]
pub struct Certificate {
    /// The certificate.
    pub cert_pem: String,
    /// Its private key (PKCS #8).
    pub key_pem: String,
}

impl Ca {
    /// Makes a new authority.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("carshare development authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// The authority's own certificate: what every service trusts.
    pub fn cert_pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate by which `service` is known to the others (`spiffe://carshare/<service>`), valid for its name,
    /// `localhost` and the loopback addresses, as server and as client.
    pub fn issue(&self, service: &str) -> Result<Certificate> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(service);
        params.subject_alt_names = vec![
            SanType::URI(format!("spiffe://carshare/{service}").try_into()?),
            SanType::DnsName(service.try_into()?),
            SanType::DnsName("localhost".try_into()?),
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(Certificate {
            cert_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}
