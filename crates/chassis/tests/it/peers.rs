//! Calls from service to service: what is repeated, what a peer's failure becomes, and how a channel finds its peer again.

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
use crate::running::{Running, USER, facts, named, plain};

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

/// What a client of the first service sees when its handler makes this call to the second.
async fn through(second: Behaviour) -> (Code, (String, String)) {
    let second = Running::start(plain(), &second).await;
    let vehicle = VehicleServiceClient::new(second.peer("vehicle", &as_booking()));
    let first = Behaviour::new(move |_| {
        let mut vehicle = vehicle.clone();
        async move { Ok(vehicle.release_hold(hold()).await.map(drop)?) }
    });
    let first = Running::start(plain(), &first).await;
    let status = AuthServiceClient::new(first.channel())
        .login(login())
        .await
        .unwrap_err();
    (status.code(), facts(&status))
}

#[tokio::test]
async fn a_peers_refusal_travels_through_unchanged() {
    let second = Behaviour::new(|_| async { Err(Error::new(Vehicle::VehicleNotFound)) });
    let fact = Error::new(Vehicle::VehicleNotFound).fact();
    assert_eq!(
        through(second).await,
        (Code::NotFound, named("VEHICLE_NOT_FOUND", &fact.code))
    );
}

#[tokio::test]
async fn a_peers_refusal_of_us_is_our_defect() {
    let second = Running::start(plain(), &Behaviour::ok()).await;
    let auth = AuthServiceClient::new(second.peer("auth", &as_booking()));
    let first = Behaviour::new(move |_| {
        let mut auth = auth.clone();
        // A service is not a user.
        async move { Ok(auth.get_me(GetMeRequest {}).await.map(drop)?) }
    });
    let first = Running::start(plain(), &first).await;
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
async fn nobody_there_is_unavailable_at_once() {
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
async fn a_peer_that_speaks_something_else_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stranger = carshare_chassis::task::spawn("stranger", async move {
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
    stranger.abort();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::Unavailable, named("UNAVAILABLE", "COMMON005"))
    );
}

#[tokio::test]
async fn an_unavailable_peer_is_asked_again_when_that_is_safe() {
    let (behaviour, calls) = failing(2, || Error::new(Common::Unavailable));
    let server = Running::start(plain(), &behaviour).await;
    VehicleServiceClient::new(server.peer("vehicle", &as_booking()))
        .release_hold(hold())
        .await
        .unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn three_times_is_enough() {
    let (behaviour, calls) = failing(usize::MAX, || Error::new(Common::Unavailable));
    let server = Running::start(plain(), &behaviour).await;
    let refused = VehicleServiceClient::new(server.peer("vehicle", &as_booking()))
        .release_hold(hold())
        .await;
    assert_eq!(facts(&refused.unwrap_err()), named("UNAVAILABLE", "COMMON005"));
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_is_not_safe_is_asked_once_unless_it_has_an_idempotency_key() {
    let (behaviour, calls) = failing(usize::MAX, || Error::new(Common::Unavailable));
    let server = Running::start(plain(), &behaviour).await;
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
async fn a_peer_that_says_when_to_come_back_is_not_asked_before() {
    let (behaviour, calls) = failing(usize::MAX, || {
        Error::unavailable("postgres is unavailable", Duration::from_secs(1))
    });
    let server = Running::start(plain(), &behaviour).await;
    let refused = VehicleServiceClient::new(server.peer("vehicle", &as_booking()))
        .release_hold(hold())
        .await;
    assert_eq!(facts(&refused.unwrap_err()), named("UNAVAILABLE", "COMMON005"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_channel_finds_its_peer_again_after_the_network_was_cut() {
    let server = Running::start(plain(), &Behaviour::ok()).await;
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
async fn a_name_is_resolved_and_an_address_of_it_that_is_dead_is_not_noticed() {
    let (behaviour, calls) = failing(0, || Error::new(Common::Internal));
    // `localhost` is ::1 and 127.0.0.1 on most machines, and the server listens on the latter only.
    let server = Running::start(plain(), &behaviour).await;
    let peer = Peer::at(format!("http://localhost:{}", server.address.port()));
    let channel = client::connect("auth", &peer, &Tls::insecure(), Environment::system()).unwrap();
    let mut auth = AuthServiceClient::new(channel);
    for _ in 0..20 {
        auth.login(login()).await.unwrap();
    }
    assert_eq!(calls.load(Ordering::SeqCst), 20);
}
