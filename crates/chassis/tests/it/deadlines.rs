//! Deadlines of calls, of servers and of peers.

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::config::{Common, Server, Tls};
use carshare_chassis::deadline;
use carshare_proto::auth::v1::LoginRequest;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::notification::v1::SubscribeRequest;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_proto::vehicle::v1::ReleaseHoldRequest;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use tokio::sync::Notify;
use tonic::{Code, Request};

use crate::fake::Behaviour;
use crate::harness::{TestServer, USER, facts, named, plain};

fn login(timeout_ms: Option<u64>) -> Request<LoginRequest> {
    let mut request = Request::new(LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    });
    if let Some(ms) = timeout_ms {
        request.set_timeout(Duration::from_millis(ms));
    }
    request
}

/// Never responds, and notifies when it is dropped.
fn hanging() -> (Behaviour, Arc<Notify>) {
    struct NotifyOnDrop(Arc<Notify>);
    impl Drop for NotifyOnDrop {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let dropped = Arc::new(Notify::new());
    let notify = Arc::clone(&dropped);
    let behaviour = Behaviour::new(move |_| {
        let guard = NotifyOnDrop(Arc::clone(&notify));
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    (behaviour, dropped)
}

#[tokio::test]
async fn each_hop_has_less_time_than_the_one_before() {
    let (next_behaviour, mut contexts) = Behaviour::recording();
    let next = TestServer::start(plain(), &next_behaviour).await;
    let tls = Tls {
        insecure_as: Some("booking".into()),
        ..Tls::insecure()
    };
    let vehicle = VehicleServiceClient::new(next.peer("vehicle", &tls));
    let first = Behaviour::new(move |_| {
        let mut vehicle = vehicle.clone();
        async move {
            vehicle
                .release_hold(ReleaseHoldRequest {
                    booking_id: USER.to_string(),
                })
                .await?;
            Ok(())
        }
    });
    let first = TestServer::start(plain(), &first).await;
    AuthServiceClient::new(first.channel())
        .login(login(Some(3_000)))
        .await
        .unwrap();
    let context = contexts.recv().await.unwrap();
    let sent = deadline::parse_timeout(context.metadata.get("grpc-timeout").unwrap()).unwrap();
    // This hop keeps a fiftieth of three seconds, and the call takes some time.
    assert!((2_000..=2_940).contains(&sent.as_millis()), "{sent:?}");
    assert!(context.deadline.remaining() <= sent);
}

#[tokio::test]
async fn deadline_is_never_later_than_the_servers_limit() {
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(
        Common {
            server: Server {
                request_timeout: Duration::from_secs(2),
                ..Server::default()
            },
            ..plain()
        },
        &behaviour,
    )
    .await;
    for requested in [None, Some(600_000)] {
        AuthServiceClient::new(server.channel())
            .login(login(requested))
            .await
            .unwrap();
        let left = contexts.recv().await.unwrap().deadline.remaining();
        assert!((1_000..=2_000).contains(&left.as_millis()), "{left:?}");
    }
}

#[tokio::test]
async fn handler_is_dropped_at_the_deadline() {
    let (behaviour, dropped) = hanging();
    let server = Server {
        request_timeout: Duration::from_millis(50),
        ..Server::default()
    };
    let server = TestServer::start(Common { server, ..plain() }, &behaviour).await;
    let status = AuthServiceClient::new(server.channel())
        .login(login(None))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::DeadlineExceeded, named("DEADLINE_EXCEEDED", "COMMON006"))
    );
    dropped.notified().await;
}

#[tokio::test]
async fn handler_is_dropped_when_the_caller_cancels() {
    let (behaviour, dropped) = hanging();
    let server = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.channel());
    let call = carshare_chassis::task::spawn("caller", async move { auth.login(login(None)).await });
    // Aborted once the handler has begun: the call is then counted as running.
    carshare_testkit::eventually_true(Duration::from_secs(10), async || Arc::strong_count(&dropped) > 2)
        .await;
    call.abort();
    dropped.notified().await;
}

#[tokio::test]
async fn call_to_a_hanging_peer_ends_at_the_deadline() {
    let (behaviour, dropped) = hanging();
    let next = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(next.peer("auth", &Tls::insecure()));
    let status = auth.login(login(Some(1_000))).await.unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::DeadlineExceeded, named("DEADLINE_EXCEEDED", "COMMON006"))
    );
    dropped.notified().await;
}

#[tokio::test]
async fn call_without_time_left_is_not_sent() {
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.peer("auth", &Tls::insecure()));
    let status = auth.login(login(Some(0))).await.unwrap_err();
    assert_eq!(facts(&status), named("DEADLINE_EXCEEDED", "COMMON006"));
    // A channel of another client sends it, and the server refuses it.
    let status = AuthServiceClient::new(server.channel())
        .login(login(Some(0)))
        .await
        .unwrap_err();
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{status:?}"
    );
    assert!(contexts.try_recv().is_err());
}

#[tokio::test]
async fn stream_ends_at_the_deadline_of_its_caller() {
    let server = Server {
        request_timeout: Duration::from_millis(1),
        ..Server::default()
    };
    let server = TestServer::start(Common { server, ..plain() }, &Behaviour::ok()).await;
    let mut notification = NotificationServiceClient::new(server.channel());
    let mut request = server.request("guest", SubscribeRequest::default());
    request
        .metadata_mut()
        .insert("grpc-timeout", "1000m".parse().unwrap());
    let mut stream = notification.subscribe(request).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let status = stream.message().await.unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::DeadlineExceeded, named("DEADLINE_EXCEEDED", "COMMON006"))
    );
}
