//! Deadlines: they travel, they shrink, and they are kept.

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
use crate::running::{Running, USER, facts, named, plain};

fn login(timeout_ms: Option<u64>) -> Request<LoginRequest> {
    let mut request = Request::new(LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
    });
    if let Some(ms) = timeout_ms {
        request.set_timeout(Duration::from_millis(ms));
    }
    request
}

/// Never answers, and tells when it is given up.
fn stuck() -> (Behaviour, Arc<Notify>) {
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let given_up = Arc::new(Notify::new());
    let told = Arc::clone(&given_up);
    let behaviour = Behaviour::new(move |_| {
        let tell = Tell(Arc::clone(&told));
        async move {
            let _tell = tell;
            std::future::pending().await
        }
    });
    (behaviour, given_up)
}

#[tokio::test]
async fn each_hop_has_less_time_than_the_one_before() {
    let (next_behaviour, mut seen) = Behaviour::seen();
    let next = Running::start(plain(), &next_behaviour).await;
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
    let first = Running::start(plain(), &first).await;
    AuthServiceClient::new(first.channel())
        .login(login(Some(3_000)))
        .await
        .unwrap();
    let context = seen.recv().await.unwrap();
    let sent = deadline::parse_timeout(context.metadata.get("grpc-timeout").unwrap()).unwrap();
    // A fiftieth of three seconds is kept, and a little is spent on the way.
    assert!((2_000..=2_940).contains(&sent.as_millis()), "{sent:?}");
    assert!(context.deadline.remaining() <= sent);
}

#[tokio::test]
async fn a_call_never_has_longer_than_the_server_gives() {
    let (behaviour, mut seen) = Behaviour::seen();
    let server = Running::start(
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
    for asked in [None, Some(600_000)] {
        AuthServiceClient::new(server.channel())
            .login(login(asked))
            .await
            .unwrap();
        let left = seen.recv().await.unwrap().deadline.remaining();
        assert!((1_000..=2_000).contains(&left.as_millis()), "{left:?}");
    }
}

#[tokio::test]
async fn a_handler_that_takes_longer_is_given_up() {
    let (behaviour, given_up) = stuck();
    let server = Server {
        request_timeout: Duration::from_millis(50),
        ..Server::default()
    };
    let server = Running::start(Common { server, ..plain() }, &behaviour).await;
    let status = AuthServiceClient::new(server.channel())
        .login(login(None))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::DeadlineExceeded, named("DEADLINE_EXCEEDED", "COMMON006"))
    );
    given_up.notified().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_its_handler_along() {
    let (behaviour, given_up) = stuck();
    let server = Running::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.channel());
    let call = carshare_chassis::task::spawn("caller", async move { auth.login(login(None)).await });
    // Aborted once the handler has begun: the call is then counted as running.
    carshare_testkit::eventually_true(Duration::from_secs(10), async || Arc::strong_count(&given_up) > 2)
        .await;
    call.abort();
    given_up.notified().await;
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_given_up_in_time() {
    let (behaviour, given_up) = stuck();
    let next = Running::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(next.peer("auth", &Tls::insecure()));
    let status = auth.login(login(Some(60))).await.unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::DeadlineExceeded, named("DEADLINE_EXCEEDED", "COMMON006"))
    );
    given_up.notified().await;
}

#[tokio::test]
async fn no_time_left_means_that_nothing_is_sent() {
    let (behaviour, mut seen) = Behaviour::seen();
    let server = Running::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.peer("auth", &Tls::insecure()));
    let status = auth.login(login(Some(0))).await.unwrap_err();
    assert_eq!(facts(&status), named("DEADLINE_EXCEEDED", "COMMON006"));
    // A stranger's channel sends it, and the server refuses.
    let status = AuthServiceClient::new(server.channel())
        .login(login(Some(0)))
        .await
        .unwrap_err();
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{status:?}"
    );
    assert!(seen.try_recv().is_err());
}

#[tokio::test]
async fn a_stream_lives_until_the_deadline_its_caller_set() {
    let server = Server {
        request_timeout: Duration::from_millis(1),
        ..Server::default()
    };
    let server = Running::start(Common { server, ..plain() }, &Behaviour::ok()).await;
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
