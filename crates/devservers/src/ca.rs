//! A certificate authority for a development or test mesh. Its private key is never written to disk.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

/// Certificate authority that signs the services' certificates.
pub struct Ca(CertifiedIssuer<'static, KeyPair>);

/// Certificate of a service with its private key.
#[derive(Clone)]
pub struct Certificate {
    /// X.509 certificate, PEM.
    pub cert_pem: String,
    /// Private key, PKCS #8 in PEM.
    pub key_pem: String,
}

impl Ca {
    /// Generates a key and a self-signed root certificate.
    pub fn new() -> Result<Self> {
        Self::with_params(CertificateParams::default())
    }

    /// Generates an authority that is valid from the beginning of a year to the beginning of another one.
    pub fn valid_in(years: Range<i32>) -> Result<Self> {
        Self::with_params(dated(years))
    }

    fn with_params(mut params: CertificateParams) -> Result<Self> {
        params.distinguished_name = name("carshare development authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Returns the root certificate that every service trusts, PEM.
    pub fn cert_pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate with the identity `spiffe://carshare/<service>`, valid for the service's name, `localhost`
    /// and the loopback addresses, for servers and clients.
    pub fn issue(&self, service: &str) -> Result<Certificate> {
        self.issue_for(service, &format!("spiffe://carshare/{service}"))
    }

    /// Issues a certificate whose URI is not that of the service: for tests of other trust domains.
    pub fn issue_for(&self, service: &str, uri: &str) -> Result<Certificate> {
        self.sign(CertificateParams::default(), service, uri)
    }

    /// Issues a certificate of a service, valid from the beginning of a year to the beginning of another one.
    pub fn issue_valid_in(&self, service: &str, years: Range<i32>) -> Result<Certificate> {
        self.sign(dated(years), service, &format!("spiffe://carshare/{service}"))
    }

    fn sign(&self, mut params: CertificateParams, service: &str, uri: &str) -> Result<Certificate> {
        params.distinguished_name = name(service);
        params.subject_alt_names = vec![
            SanType::URI(uri.try_into()?),
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

fn dated(years: Range<i32>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(years.start, 1, 1);
    params.not_after = date_time_ymd(years.end, 1, 1);
    params
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}
