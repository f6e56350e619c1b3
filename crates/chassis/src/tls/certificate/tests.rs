use std::path::{Path, PathBuf};

use carshare_testkit::{Ca, TempDir, eventually_true};
use rustls::pki_types::pem::PemObject as _;

use super::*;
use crate::clock::ManualClock;
use crate::config::Tls;
use crate::telemetry::prometheus;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A folder with certificates as Kubernetes mounts a Secret: the files are links into a folder of a version, which is replaced atomically.
struct Mounted {
    folder: TempDir,
    versions: usize,
}

impl Mounted {
    fn new() -> Self {
        let folder = TempDir::create("certificates").unwrap();
        for file in ["ca.crt", "tls.crt", "tls.key"] {
            let target = Path::new("..data").join(file);
            std::os::unix::fs::symlink(target, folder.path().join(file)).unwrap();
        }
        Self { folder, versions: 0 }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn replace(&mut self, ca: &str, cert: &str, key: &str) {
        self.versions += 1;
        let version = format!("..{}", self.versions);
        std::fs::create_dir(self.file(&version)).unwrap();
        for (file, text) in [("ca.crt", ca), ("tls.crt", cert), ("tls.key", key)] {
            std::fs::write(self.file(&version).join(file), text).unwrap();
        }
        std::os::unix::fs::symlink(&version, self.file("..data_tmp")).unwrap();
        std::fs::rename(self.file("..data_tmp"), self.file("..data")).unwrap();
    }

    fn issue(&mut self, ca: &Ca, service: &str, until: i32) {
        let issued = ca.issue_valid_in(service, 2020..until).unwrap();
        self.replace(&ca.cert_pem(), &issued.cert_pem, &issued.key_pem);
    }

    fn load(&self) -> (Certificate, ManualClock) {
        let tls = Tls {
            ca_path: Some(self.file("ca.crt")),
            cert_path: Some(self.file("tls.crt")),
            key_path: Some(self.file("tls.key")),
            ..Tls::default()
        };
        let (clock, manual) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        let source = Source::mesh(&tls).unwrap().unwrap();
        (Certificate::load(source, clock).unwrap(), manual)
    }
}

fn year(certificate: &Certificate) -> String {
    certificate.not_after().format("%Y").to_string()
}

/// Moves the clock until a certificate that expires with `expected` is in use.
async fn replaced_by(certificate: &Certificate, clock: &ManualClock, expected: i32) {
    eventually_true(TIMEOUT, async || {
        clock.advance(RELOAD_INTERVAL);
        year(certificate) == expected.to_string()
    })
    .await;
}

fn metric(line: &str) -> Option<f64> {
    let text = prometheus::render();
    let found = text.lines().find_map(|other| other.strip_prefix(line))?;
    found.trim().parse().ok()
}

#[tokio::test]
async fn certificate_is_replaced_when_its_files_change_and_a_broken_one_is_not_used() {
    prometheus::recorder();
    let (ca, mut mounted) = (Ca::new().unwrap(), Mounted::new());
    mounted.issue(&ca, "booking", 2030);
    let (certificate, clock) = mounted.load();
    let mut waiting = certificate.clone();
    mounted.issue(&ca, "booking", 2031);
    replaced_by(&certificate, &clock, 2031).await;
    waiting.changed().await;
    let gauge = || metric(r#"tls_certificate_expiry_seconds{certificate="mesh"}"#);
    eventually_true(TIMEOUT, async || gauge() == Some(1_924_992_000.0)).await;

    let failures = || metric(r#"tls_reload_failures_total{certificate="mesh"}"#).unwrap_or_default();
    let (other, expired) = (
        ca.issue_valid_in("booking", 2020..2032).unwrap(),
        ca.issue_valid_in("booking", 2020..2025).unwrap(),
    );
    let mut broken = vec![
        ("half".to_owned(), other.key_pem.clone()),
        (other.cert_pem[..300].to_owned(), other.key_pem.clone()),
        (other.cert_pem.clone(), expired.key_pem.clone()),
        (expired.cert_pem.clone(), expired.key_pem.clone()),
    ];
    let vehicle = ca.issue_valid_in("vehicle", 2020..2032).unwrap();
    broken.push((vehicle.cert_pem, vehicle.key_pem));
    for (cert, key) in broken {
        let before = failures();
        mounted.replace(&ca.cert_pem(), &cert, &key);
        eventually_true(TIMEOUT, async || {
            clock.advance(RELOAD_INTERVAL);
            failures() > before
        })
        .await;
        assert_eq!(year(&certificate), "2031", "{cert}");
    }
    mounted.issue(&ca, "booking", 2033);
    replaced_by(&certificate, &clock, 2033).await;
}

#[tokio::test]
async fn authority_is_not_trusted_after_its_end() {
    let (old, new) = (
        Ca::valid_in(2020..2027).unwrap(),
        Ca::valid_in(2020..2030).unwrap(),
    );
    let (mut mounted, issued) = (Mounted::new(), new.issue_valid_in("booking", 2020..2029).unwrap());
    let both = old.cert_pem() + &new.cert_pem();
    mounted.replace(&both, &issued.cert_pem, &issued.key_pem);
    let (certificate, clock) = mounted.load();
    let client = old.issue_valid_in("vehicle", 2020..2029).unwrap();
    let client = CertificateDer::from_pem_slice(client.cert_pem.as_bytes()).unwrap();
    let distrusted = certificate.clone().distrusts(vec![client.clone()]);
    assert!(certificate.current().accepts(&[client]));
    clock.set("2027-01-01T00:00:01Z".parse().unwrap());
    let advance = async {
        loop {
            clock.advance(RELOAD_INTERVAL);
            tokio::task::yield_now().await;
        }
    };
    let ended = async {
        tokio::select! { () = distrusted => {}, () = advance => {} }
    };
    tokio::time::timeout(TIMEOUT, ended).await.unwrap();
}
