//! Health, reflection and the admin port, as probes and tools use them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carshare_chassis::config::{Admin, Common, Identity, Peer};
use carshare_chassis::http_server::{self, Protocol};
use carshare_chassis::{Environment, Server, Shutdown, task};
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::{GetMeRequest, LoginRequest};
use carshare_testkit::{GrpcStub, Tokens, eventually_true, free_port};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};
use tower::service_fn;

use crate::fake::{self, Behaviour};
use crate::harness::{TestServer, USER, facts, named, plain, with_token};

async fn health(server: &TestServer, service: &str) -> Option<ServingStatus> {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let reply = HealthClient::new(server.channel()).check(request).await.ok()?;
    match reply.into_inner().status {
        1 => Some(ServingStatus::Serving),
        2 => Some(ServingStatus::NotServing),
        _ => None,
    }
}

#[tokio::test]
async fn health_follows_the_readiness_checks_and_needs_no_token() {
    let is_ready = Arc::new(AtomicBool::new(true));
    let checked = Arc::clone(&is_ready);
    let server = TestServer::customized(plain(), &Behaviour::ok(), |server| {
        server.readiness("postgres", move || {
            let is_ready = checked.load(Ordering::SeqCst);
            async move {
                if is_ready {
                    Ok(())
                } else {
                    anyhow::bail!("unreachable")
                }
            }
        })
    })
    .await;
    let wait = Duration::from_secs(10);
    for service in ["", "carshare.vehicle.v1.VehicleService"] {
        eventually_true(wait, async || {
            health(&server, service).await == Some(ServingStatus::Serving)
        })
        .await;
    }
    assert_eq!(health(&server, "carshare.booking.v1.BookingService").await, None);
    is_ready.store(false, Ordering::SeqCst);
    eventually_true(wait, async || {
        health(&server, "").await == Some(ServingStatus::NotServing)
    })
    .await;
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let expected = [
        "carshare.auth.v1.AuthService",
        "carshare.elsewhere.v1.ElsewhereService",
        "carshare.notification.v1.NotificationService",
        "carshare.payment.v1.PaymentService",
        "carshare.vehicle.v1.VehicleService",
        "grpc.health.v1.Health",
    ];

    let ask = v1::ServerReflectionRequest {
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
        ..Default::default()
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(server.channel());
    let mut replies = client
        .server_reflection_info(futures::stream::iter([ask]))
        .await
        .unwrap()
        .into_inner();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        replies.message().await.unwrap().unwrap().message_response
    else {
        panic!("not a list")
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(names, expected);

    let ask = v1alpha::ServerReflectionRequest {
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
        ..Default::default()
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(server.channel());
    let mut replies = client
        .server_reflection_info(futures::stream::iter([ask]))
        .await
        .unwrap()
        .into_inner();
    let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        replies.message().await.unwrap().unwrap().message_response
    else {
        panic!("not a list")
    };
    assert_eq!(list.service.len(), expected.len());
}

#[tokio::test]
async fn admin_port_counts_calls_by_rpc_and_code() {
    let admin = Admin {
        listen: Some(([127, 0, 0, 1], free_port().unwrap()).into()),
    };
    let server = TestServer::start(
        Common {
            admin: admin.clone(),
            ..plain()
        },
        &Behaviour::ok(),
    )
    .await;
    let mut auth = AuthServiceClient::new(server.channel());
    auth.login(LoginRequest {
        email: "minji@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    })
    .await
    .unwrap();
    auth.get_me(GetMeRequest {}).await.unwrap_err();
    let page = http_get(admin.listen.unwrap(), "/metrics").await;
    // The recorder belongs to the process, so other tests count too: values are unknown.
    for series in [
        r#"rpc_server_calls_total{rpc="rpc.auth.login",code="OK"} "#,
        r#"rpc_server_calls_total{rpc="rpc.auth.get_me",code="UNAUTHENTICATED"} "#,
        r#"rpc_server_duration_seconds_bucket{rpc="rpc.auth.login",le="0.001"} "#,
        r#"rpc_server_in_flight{rpc="rpc.auth.login"} "#,
    ] {
        assert!(page.contains(series), "{series} in {page}");
    }
    assert!(!page.contains("minji"));
    assert!(http_get(admin.listen.unwrap(), "/livez").await.ends_with("ok"));
}

/// Sends a request over HTTP/1.1.
async fn http_get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    page
}

#[tokio::test]
async fn keys_are_fetched_from_auth_and_missing_keys_are_unavailable() {
    let tokens = Tokens::new().unwrap();
    let keys = GrpcStub::new().jwks(&tokens).start().await.unwrap();
    let closed = format!("http://127.0.0.1:{}", free_port().unwrap());
    for (uri, expected) in [
        (keys.uri(), Ok(())),
        (closed, Err(named("UNAVAILABLE", "COMMON005"))),
    ] {
        let identity = Identity {
            jwks: Some(Peer::at(uri)),
            ..Identity::default()
        };
        let common = Common { identity, ..plain() };
        let (environment, clock) = Environment::manual("2026-11-22T12:00:00Z".parse().unwrap(), 1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let channel = Channel::from_shared(format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let shutdown = Shutdown::new();
        let server = fake::add_to(Server::new("fake", &common, environment), &Behaviour::ok());
        let served = task::spawn("fake", server.serve(listener, shutdown.clone()));
        let request = with_token(GetMeRequest {}, &tokens.mint("guest", USER, clock.now()));
        let outcome = AuthServiceClient::new(channel.connect_lazy())
            .get_me(request)
            .await;
        assert_eq!(outcome.map(drop).map_err(|status| facts(&status)), expected);
        shutdown.trigger();
        served.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn dropped_server_closes_its_listener() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    AuthServiceClient::new(server.channel())
        .get_me(server.request("guest", GetMeRequest {}))
        .await
        .unwrap();
    server.served.abort();
    let address = server.address;
    eventually_true(Duration::from_secs(10), async || {
        TcpStream::connect(address).await.is_err()
    })
    .await;
}

#[tokio::test]
async fn listener_for_both_versions_serves_http_1_and_2_and_drains() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = http_server::Options {
        tls: None,
        protocol: Protocol::Both,
        max_streams_per_connection: 8,
        drain_timeout: Duration::from_secs(5),
        admission: None,
    };
    let hello = service_fn(async |request: http::Request<_>| {
        let _: hyper::body::Incoming = request.into_body();
        Ok::<_, Infallible>(http::Response::new("hello".to_owned()))
    });
    let stop = Shutdown::new();
    let serving = task::spawn(
        "front",
        http_server::serve(listener, options, hello, stop.token().clone()),
    );
    assert!(http_get(address, "/").await.ends_with("hello"));
    // HTTP/2 by prior knowledge: a gRPC client gets a response, though not one of gRPC.
    let channel = Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let refused = AuthServiceClient::new(channel)
        .get_me(GetMeRequest {})
        .await
        .unwrap_err();
    assert_ne!(refused.code(), Code::Unavailable);
    stop.trigger();
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
