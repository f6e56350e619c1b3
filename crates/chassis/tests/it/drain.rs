//! Drain: running calls finish, new ones are refused, streams end.

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::config::{Common, Server, Tls};
use carshare_proto::auth::v1::LoginRequest;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::notification::v1::SubscribeRequest;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fake::Behaviour;
use crate::harness::{TestServer, facts, named, plain};

fn login() -> LoginRequest {
    LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    }
}

/// Sends a message when it begins, and waits for a permit.
fn waiting() -> (Behaviour, mpsc::UnboundedReceiver<()>, Arc<Semaphore>) {
    let (sender, begun) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let behaviour = Behaviour::new(move |_| {
        sender.send(()).unwrap();
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(())
        }
    });
    (behaviour, begun, opened)
}

#[tokio::test]
async fn draining_server_finishes_running_calls_and_refuses_new_ones() {
    let (behaviour, mut begun, gate) = waiting();
    let mut server = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.peer("auth", &Tls::insecure()));
    let running = carshare_chassis::task::spawn("running", {
        let mut auth = auth.clone();
        async move { auth.login(login()).await }
    });
    begun.recv().await.unwrap();
    server.shutdown.trigger();
    // The listener closes as part of the drain.
    let address = server.address;
    carshare_testkit::eventually_true(Duration::from_secs(10), async || {
        TcpStream::connect(address).await.is_err()
    })
    .await;
    let refused = auth.login(login()).await.unwrap_err();
    assert_eq!(
        (refused.code(), facts(&refused)),
        (Code::Unavailable, named("UNAVAILABLE", "COMMON005"))
    );
    assert!(!server.served.is_finished());
    gate.add_permits(1);
    running.await.unwrap().unwrap();
    (&mut server.served).await.unwrap().unwrap();
    assert!(begun.try_recv().is_err(), "no second call began");
}

#[tokio::test]
async fn draining_server_ends_streams_with_a_retry_delay() {
    let mut server = TestServer::start(plain(), &Behaviour::ok()).await;
    let mut notification = NotificationServiceClient::new(server.channel());
    let request = server.request("guest", SubscribeRequest::default());
    let mut stream = notification.subscribe(request).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    server.shutdown.trigger();
    let status = stream.message().await.unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::Unavailable, named("UNAVAILABLE", "COMMON005"))
    );
    assert_eq!(
        status.get_details_retry_info().unwrap().retry_delay,
        Some(Duration::from_millis(500))
    );
    (&mut server.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn call_longer_than_the_drain_timeout_is_ended() {
    let (behaviour, mut begun, _gate) = waiting();
    let config = Server {
        drain_timeout: Duration::from_millis(50),
        ..Server::default()
    };
    let mut server = TestServer::start(
        Common {
            server: config,
            ..plain()
        },
        &behaviour,
    )
    .await;
    let mut auth = AuthServiceClient::new(server.channel());
    let running = carshare_chassis::task::spawn("running", async move { auth.login(login()).await });
    begun.recv().await.unwrap();
    server.shutdown.trigger();
    (&mut server.served).await.unwrap().unwrap();
    assert!(running.await.unwrap().is_err());
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_drain() {
    let mut server = TestServer::start(plain(), &Behaviour::ok()).await;
    let mut auth = AuthServiceClient::new(server.channel());
    auth.login(login()).await.unwrap();
    // And a connection without a preface.
    let _silent = TcpStream::connect(server.address).await.unwrap();
    server.shutdown.trigger();
    tokio::time::timeout(Duration::from_secs(10), &mut server.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
