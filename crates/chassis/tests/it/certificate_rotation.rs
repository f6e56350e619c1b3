//! Replacement of certificates and of their authority while services call one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use carshare_chassis::config::{Common, Peer, Tls};
use carshare_chassis::tls::Certificate;
use carshare_chassis::{Environment, ManualClock, Shutdown, client, task};
use carshare_proto::auth::v1::LoginRequest;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::vehicle::v1::ReleaseHoldRequest;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_testkit::{Ca, TempDir, eventually_true};
use chrono::Datelike as _;
use tonic::transport::Channel;

use crate::fake::Behaviour;
use crate::harness::{START, TestServer, USER};

const TIMEOUT: Duration = Duration::from_secs(30);
/// More than the interval at which files are read.
const RELOAD: Duration = Duration::from_secs(6);
/// Calls that have to succeed after each step.
const CALLS: usize = 200;

/// A service with its certificate in files, each of which is replaced by itself.
struct Party {
    service: &'static str,
    folder: TempDir,
    tls: Tls,
}

impl Party {
    fn new(service: &'static str) -> Self {
        let folder = TempDir::create("certificates").unwrap();
        let path = |name: &str| Some(folder.path().join(name));
        let tls = Tls {
            ca_path: path("ca.pem"),
            cert_path: path("cert.pem"),
            key_path: path("key.pem"),
            ..Tls::default()
        };
        Self { service, folder, tls }
    }

    /// Writes a certificate that is valid until `year`.
    fn write(&self, trusted: &[&Ca], issuer: &Ca, year: i32) {
        let issued = issuer.issue_valid_in(self.service, 2020..year).unwrap();
        let authorities = trusted.iter().map(|ca| ca.cert_pem()).collect();
        let texts = [
            ("ca.pem", authorities),
            ("cert.pem", issued.cert_pem),
            ("key.pem", issued.key_pem),
        ];
        for (name, text) in texts {
            let (new, path) = (self.folder.path().join("new"), self.folder.path().join(name));
            std::fs::write(&new, text).unwrap();
            std::fs::rename(new, path).unwrap();
        }
    }
}

/// Waits until a process with this clock uses a certificate that is valid until `year`.
async fn replaced(certificate: &Certificate, clock: &ManualClock, year: i32) {
    eventually_true(TIMEOUT, async || {
        clock.advance(RELOAD);
        certificate.not_after().year() == year
    })
    .await;
}

/// Calls until the shutdown, counting successes, and returns the errors.
async fn call_until(
    stop: Shutdown,
    succeeded: Arc<AtomicUsize>,
    channel: client::PeerChannel,
) -> Vec<String> {
    let mut failed = Vec::new();
    let (mut vehicle, mut auth) = (
        VehicleServiceClient::new(channel.clone()),
        AuthServiceClient::new(channel),
    );
    let login = LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    };
    let hold = ReleaseHoldRequest {
        booking_id: USER.to_string(),
    };
    while !stop.token().is_cancelled() {
        // One is repeated if the connection breaks, the other is not.
        let called = [
            vehicle.release_hold(hold.clone()).await.map(drop),
            auth.login(login.clone()).await.map(drop),
        ];
        for result in called {
            match result {
                Ok(()) => _ = succeeded.fetch_add(1, Ordering::SeqCst),
                Err(status) => failed.push(status.to_string()),
            }
        }
    }
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn authority_is_replaced_with_an_overlap_and_no_call_fails() {
    let (old, new) = (Ca::new().unwrap(), Ca::new().unwrap());
    let (vehicle, booking) = (Party::new("vehicle"), Party::new("booking"));
    for party in [&vehicle, &booking] {
        party.write(&[&old], &old, 2030);
    }
    let common = Common {
        tls: vehicle.tls.clone(),
        ..Common::default()
    };
    let server = TestServer::start(common, &Behaviour::ok()).await;
    let peer = Peer::at(format!("https://{}", server.address));
    let (environment, clock) = Environment::manual(START.parse().unwrap(), 2);
    let channel = client::connect("vehicle", &peer, &booking.tls, environment.clone()).unwrap();
    let certificate = |environment: &Environment, tls| environment.certificate(tls).unwrap().unwrap();
    let of_server = certificate(&server.environment, &vehicle.tls);
    let of_client = certificate(&environment, &booking.tls);
    // A client that keeps its first certificate.
    let endpoint = Channel::from_shared(format!("https://{}", server.address)).unwrap();
    let lasting = endpoint.tls_config(of_client.client("vehicle")).unwrap();
    let mut lasting = VehicleServiceClient::new(lasting.connect().await.unwrap());

    let (stop, succeeded) = (Shutdown::new(), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|_| call_until(stop.clone(), Arc::clone(&succeeded), channel.clone()))
        .map(|calls| task::spawn("caller", calls))
        .collect();
    let steps: [(&[&Ca], &Ca); 3] = [(&[&old, &new], &old), (&[&old, &new], &new), (&[&new], &new)];
    let hold = ReleaseHoldRequest {
        booking_id: USER.to_string(),
    };
    for (year, (trusted, issuer)) in (2031..).zip(steps) {
        lasting.release_hold(hold.clone()).await.unwrap();
        for (party, certificate, clock) in [
            (&vehicle, &of_server, &server.clock),
            (&booking, &of_client, &clock),
        ] {
            party.write(trusted, issuer, year);
            replaced(certificate, clock, year).await;
            let before = succeeded.load(Ordering::SeqCst);
            eventually_true(TIMEOUT, async || {
                succeeded.load(Ordering::SeqCst) > before + CALLS
            })
            .await;
        }
    }
    // Its connection ended with the trust in its authority, and it gets no other one.
    let call = || {
        let (mut vehicle, hold) = (lasting.clone(), hold.clone());
        async move { vehicle.release_hold(hold).await.is_err() }
    };
    eventually_true(TIMEOUT, call).await;
    stop.trigger();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Vec::<String>::new());
    }
}
