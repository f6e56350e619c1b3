use carshare_testkit::Ca;

use super::*;
use crate::config::Tls;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn section(ca: &Ca, service: &str) -> Tls {
    let issued = ca.issue(service).unwrap();
    Tls {
        ca_pem: Some(ca.cert_pem()),
        cert_pem: Some(issued.cert_pem),
        key_pem: Some(issued.key_pem.into()),
        ..Tls::default()
    }
}

fn load(tls: &Tls) -> anyhow::Result<Loaded> {
    let source = Source::mesh(tls)?.unwrap();
    Loaded::new(&source, source.read()?, now())
}

fn refused(tls: &Tls) -> String {
    format!("{:#}", load(tls).err().expect("it is refused"))
}

#[test]
fn text_without_certificate_or_key_is_refused_by_its_key() {
    let ca = Ca::new().unwrap();
    let good = section(&ca, "booking");
    load(&good).unwrap();
    let nonsense = || Some("nonsense".to_owned());
    let truncated = good.cert_pem.as_ref().map(|pem| pem[..pem.len() / 2].to_owned());
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    for (tls, expected) in [
        (
            Tls {
                ca_pem: nonsense(),
                ..good.clone()
            },
            "tls.ca_pem has no certificate in PEM",
        ),
        (
            Tls {
                cert_pem: nonsense(),
                ..good.clone()
            },
            "tls.cert_pem has no certificate in PEM",
        ),
        (
            Tls {
                cert_pem: truncated,
                ..good.clone()
            },
            "tls.cert_pem is not PEM",
        ),
        (
            Tls {
                cert_pem: Some(garbage),
                ..good.clone()
            },
            "tls.cert_pem has a certificate that is not X.509",
        ),
        (
            Tls {
                key_pem: nonsense().map(Into::into),
                ..good.clone()
            },
            "tls.key_pem has no private key in PEM",
        ),
        (
            Tls {
                key_pem: section(&ca, "vehicle").key_pem,
                ..good.clone()
            },
            "tls.cert_pem and tls.key_pem do not fit",
        ),
    ] {
        let refused = refused(&tls);
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[test]
fn expired_and_future_certificates_are_refused_with_their_dates() {
    let ca = Ca::new().unwrap();
    let dated = |years| {
        let issued = ca.issue_valid_in("booking", years).unwrap();
        Tls {
            cert_pem: Some(issued.cert_pem),
            key_pem: Some(issued.key_pem.into()),
            ..section(&ca, "booking")
        }
    };
    load(&dated(2026..2027)).unwrap();
    assert_eq!(
        refused(&dated(2025..2026)),
        "tls.cert_pem: the certificate has expired: it was valid from 2025-01-01T00:00:00Z to 2026-01-01T00:00:00Z"
    );
    assert_eq!(
        refused(&dated(2027..2028)),
        "tls.cert_pem: the certificate is not valid yet: from 2027-01-01T00:00:00Z to 2028-01-01T00:00:00Z"
    );
}

#[test]
fn authority_that_is_not_valid_is_left_out_and_needs_another_one() {
    let (expired, valid) = (
        Ca::valid_in(2024..2026).unwrap(),
        Ca::valid_in(2026..2028).unwrap(),
    );
    let with = |authorities: &[&Ca]| Tls {
        ca_pem: Some(authorities.iter().map(|ca| ca.cert_pem()).collect()),
        ..section(&valid, "booking")
    };
    let both = load(&with(&[&expired, &valid])).unwrap();
    assert_eq!(both.authorities.roots.len(), 1);
    assert_eq!(
        both.authorities_not_after().unwrap().to_rfc3339(),
        "2028-01-01T00:00:00+00:00"
    );
    assert_eq!(
        refused(&with(&[&expired])),
        "tls.ca_pem: the certificate has expired: it was valid from 2024-01-01T00:00:00Z to 2026-01-01T00:00:00Z"
    );
}

#[test]
fn clients_of_trusted_authorities_are_accepted() {
    let (one, two) = (Ca::new().unwrap(), Ca::new().unwrap());
    let with = |authorities: &[&Ca]| {
        let ca_pem = authorities.iter().map(|ca| ca.cert_pem()).collect();
        load(&Tls {
            ca_pem: Some(ca_pem),
            ..section(&two, "booking")
        })
        .unwrap()
    };
    let client = |ca: &Ca| load(&section(ca, "vehicle")).unwrap().chain[0].der.clone();
    for (loaded, accepts) in [
        (with(&[&one]), [true, false]),
        (with(&[&one, &two]), [true, true]),
        (with(&[&two]), [false, true]),
    ] {
        assert_eq!([&one, &two].map(|ca| loaded.accepts(&[client(ca)])), accepts);
    }
    assert!(!with(&[&one]).accepts(&[]));
}

#[test]
fn certificate_of_another_service_is_refused() {
    let ca = Ca::new().unwrap();
    let booking = load(&section(&ca, "booking")).unwrap();
    booking.check_service("booking").unwrap();
    assert_eq!(
        booking.check_service("vehicle").unwrap_err().to_string(),
        "tls.cert_pem: the certificate names the service booking, and this is the service vehicle, \
         so it needs the URI spiffe://carshare/vehicle"
    );
    let vehicle = load(&section(&ca, "vehicle")).unwrap();
    assert_eq!(
        vehicle.check_replaces(&booking).unwrap_err().to_string(),
        "tls.cert_pem: the certificate names the service vehicle, and the one in use the service booking"
    );
}

#[test]
fn host_has_to_be_among_the_names() {
    let booking = load(&section(&Ca::new().unwrap(), "booking")).unwrap();
    booking.check_host("localhost").unwrap();
    booking.check_host("127.0.0.1").unwrap();
    let refused = booking.check_host("api.carshare.kr").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "tls.cert_pem: the certificate is not for api.carshare.kr"
    );
}
