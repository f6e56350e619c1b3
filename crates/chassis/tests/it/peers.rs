//! Calls between services: retries, errors of peers, reconnection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use carshare_chassis::config::{Peer, Tls};
use carshare_chassis::{Environment, Error, client};
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::{GetMeRequest, LoginRequest};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::ErrorReason as Vehicle;
use carshare_proto::vehicle::v1::ReleaseHoldRequest;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_testkit::eventually_true;
use carshare_testkit::proxy::FaultProxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::{Code, Request};

use crate::fake::Behaviour;
use crate::harness::{TestServer, USER, facts, named, plain};

fn as_booking() -> Tls {
    Tls {
        insecure_as: Some("booking".into()),
        ..Tls::insecure()
    }
}

fn hold() -> ReleaseHoldRequest {
    ReleaseHoldRequest {
        booking_id: USER.to_string(),
    }
}

fn login() -> LoginRequest {
    LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    }
}

/// Fails this many times, then succeeds; counts the calls.
fn failing(times: usize, error: fn() -> Error) -> (Behaviour, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let behaviour = Behaviour::new(move |_| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        async move { if call < times { Err(error()) } else { Ok(()) } }
    });
    (behaviour, calls)
}

/// Returns the error of a client of one service whose handler calls a second service with this behaviour.
async fn through(second: Behaviour) -> (Code, (String, String)) {
    let second = TestServer::start(plain(), &second).await;
    let vehicle = VehicleServiceClient::new(second.peer("vehicle", &as_booking()));
    let first = Behaviour::new(move |_| {
        let mut vehicle = vehicle.clone();
        async move { Ok(vehicle.release_hold(hold()).await.map(drop)?) }
    });
    let first = TestServer::start(plain(), &first).await;
    let status = AuthServiceClient::new(first.channel())
        .login(login())
        .await
        .unwrap_err();
    (status.code(), facts(&status))
}

#[tokio::test]
async fn error_of_a_peer_is_passed_on_unchanged() {
    let second = Behaviour::new(|_| async { Err(Error::new(Vehicle::VehicleNotFound)) });
    let spec = Error::new(Vehicle::VehicleNotFound).spec();
    assert_eq!(
        through(second).await,
        (Code::NotFound, named("VEHICLE_NOT_FOUND", &spec.code))
    );
}

#[tokio::test]
async fn denied_access_of_this_service_is_a_defect() {
    let second = TestServer::start(plain(), &Behaviour::ok()).await;
    let auth = AuthServiceClient::new(second.peer("auth", &as_booking()));
    let first = Behaviour::new(move |_| {
        let mut auth = auth.clone();
        // A service is not a user.
        async move { Ok(auth.get_me(GetMeRequest {}).await.map(drop)?) }
    });
    let first = TestServer::start(plain(), &first).await;
    let status = AuthServiceClient::new(first.channel())
        .login(login())
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::Internal, named("INTERNAL", "COMMON007"))
    );
}

#[tokio::test]
async fn closed_port_is_unavailable_at_once() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let peer = Peer {
        timeout: Duration::from_mins(1),
        ..Peer::at(format!("http://{free}"))
    };
    let channel = client::connect("auth", &peer, &Tls::insecure(), Environment::system()).unwrap();
    let status = AuthServiceClient::new(channel).login(login()).await.unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::Unavailable, named("UNAVAILABLE", "COMMON005"))
    );
}

#[tokio::test]
async fn peer_of_another_protocol_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let other = carshare_chassis::task::spawn("other", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });
    let peer = Peer::at(format!("http://{address}"));
    let channel = client::connect("auth", &peer, &Tls::insecure(), Environment::system()).unwrap();
    let status = AuthServiceClient::new(channel).login(login()).await.unwrap_err();
    other.abort();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::Unavailable, named("UNAVAILABLE", "COMMON005"))
    );
}

#[tokio::test]
async fn safe_call_to_an_unavailable_peer_is_repeated() {
    let (behaviour, calls) = failing(2, || Error::new(Common::Unavailable));
    let server = TestServer::start(plain(), &behaviour).await;
    VehicleServiceClient::new(server.peer("vehicle", &as_booking()))
        .release_hold(hold())
        .await
        .unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn call_is_sent_three_times_at_most() {
    let (behaviour, calls) = failing(usize::MAX, || Error::new(Common::Unavailable));
    let server = TestServer::start(plain(), &behaviour).await;
    let refused = VehicleServiceClient::new(server.peer("vehicle", &as_booking()))
        .release_hold(hold())
        .await;
    assert_eq!(facts(&refused.unwrap_err()), named("UNAVAILABLE", "COMMON005"));
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn unsafe_call_is_sent_once_unless_it_has_an_idempotency_key() {
    let (behaviour, calls) = failing(usize::MAX, || Error::new(Common::Unavailable));
    let server = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.peer("auth", &Tls::insecure()));
    auth.login(login()).await.unwrap_err();
    assert_eq!(calls.swap(0, Ordering::SeqCst), 1);
    let mut request = Request::new(login());
    request
        .metadata_mut()
        .insert("idempotency-key", "k-1".parse().unwrap());
    auth.login(request).await.unwrap_err();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn call_with_a_retry_delay_of_the_peer_is_not_repeated() {
    let (behaviour, calls) = failing(usize::MAX, || {
        Error::unavailable("postgres is unavailable", Duration::from_secs(1))
    });
    let server = TestServer::start(plain(), &behaviour).await;
    let refused = VehicleServiceClient::new(server.peer("vehicle", &as_booking()))
        .release_hold(hold())
        .await;
    assert_eq!(facts(&refused.unwrap_err()), named("UNAVAILABLE", "COMMON005"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn channel_reconnects_after_a_network_failure() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let proxy = FaultProxy::start(server.address.to_string()).await.unwrap();
    let peer = Peer::at(format!("http://{}", proxy.address()));
    let channel = client::connect("auth", &peer, &Tls::insecure(), Environment::system()).unwrap();
    let auth = AuthServiceClient::new(channel);
    auth.clone().login(login()).await.unwrap();
    proxy.cut();
    let status = auth.clone().login(login()).await.unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::Unavailable, named("UNAVAILABLE", "COMMON005"))
    );
    proxy.heal();
    eventually_true(Duration::from_secs(10), async || {
        auth.clone().login(login()).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn unreachable_address_of_a_name_fails_no_call() {
    let (behaviour, calls) = failing(0, || Error::new(Common::Internal));
    // `localhost` is ::1 and 127.0.0.1 on most machines, and the server listens on the latter only.
    let server = TestServer::start(plain(), &behaviour).await;
    let peer = Peer::at(format!("http://localhost:{}", server.address.port()));
    let channel = client::connect("auth", &peer, &Tls::insecure(), Environment::system()).unwrap();
    let mut auth = AuthServiceClient::new(channel);
    for _ in 0..20 {
        auth.login(login()).await.unwrap();
    }
    assert_eq!(calls.load(Ordering::SeqCst), 20);
}
