//! Limits that keep one client from starving others: requests in flight, open streams, connections to the services.

use carshare_proto::codec::ValidatingCodec;
use carshare_proto::notification::v1::{SubscribeRequest, SubscribeResponse};
use carshare_testkit::eventually_true;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{
    Harness, STREAMS_PER_CONNECTION, TIMEOUT, code, header, into_json, send, send_for_code, send_for_json,
};

const STREAM: &str = "/v1/notifications/stream";

#[tokio::test]
async fn request_above_max_in_flight_is_refused_and_probes_are_answered() {
    let gateway = Harness::start_with(|config| config.common.server.max_in_flight = 1).await;
    let list = || gateway.request("guest", Method::GET, "/v1/bookings");
    let others = async {
        eventually_true(TIMEOUT, async || gateway.services.calls() == 1).await;
        assert_eq!(send_for_code(list()).await, code(503, "COMMON005"));
        let healthz = send(gateway.anonymous(Method::GET, "/healthz")).await;
        assert_eq!(healthz.status().as_u16(), 200);
    };
    tokio::select! {
        response = send(gateway.create_booking("hang")) => panic!("{response:?}"),
        () = others => {}
    }
    // The client has gone away, and its place is free.
    eventually_true(TIMEOUT, async || send(list()).await.status().as_u16() == 200).await;
}

#[tokio::test]
async fn open_streams_do_not_block_calls() {
    let gateway = Harness::start_with(|config| {
        config.service.limits.per_minute_by_address = 0;
        config.service.limits.streams_by_caller = 0;
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..STREAMS_PER_CONNECTION {
        open.push(send(gateway.request("host", Method::GET, STREAM)).await);
    }
    assert!(open.iter().all(|stream| stream.status().as_u16() == 200));
    let call = send_for_json(gateway.request("guest", Method::GET, "/v1/notifications"));
    let response = timeout(TIMEOUT / 2, call).await.expect("a response");
    assert_eq!(response, (200, json!([])));
}

#[tokio::test]
async fn caller_has_a_few_streams_and_health_has_a_pool_of_its_own() {
    let gateway = Harness::start_with(|config| {
        config.service.edge.max_streams = 3;
        config.service.edge.max_anonymous_streams = 1;
        config.service.limits.streams_by_caller = 2;
    })
    .await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(gateway.channel().await);
    let request = tonic_health::pb::HealthCheckRequest::default();
    let _watch = health.watch(request.clone()).await.unwrap();
    let refused = health.check(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    let open = || gateway.request("host", Method::GET, STREAM);
    let streams = [send(open()).await, send(open()).await];
    assert!(streams.iter().all(|stream| stream.status().as_u16() == 200));
    assert_eq!(send_for_code(open()).await, code(429, "COMMON004"));
    drop(streams);
    eventually_true(TIMEOUT, async || send(open()).await.status().as_u16() == 200).await;
}

#[tokio::test]
async fn stream_above_max_streams_is_refused_until_another_ends() {
    let gateway = Harness::start_with(|config| config.service.edge.max_streams = 1).await;
    let open = async || send(gateway.request("host", Method::GET, STREAM)).await;
    let first = open().await;
    assert_eq!(first.status().as_u16(), 200);
    let second = open().await;
    assert!(header(&second, "retry-after").is_some());
    let (status, problem) = into_json(second).await;
    assert_eq!((status, &problem["code"]), (503, &json!("COMMON005")));
    drop(first);
    eventually_true(TIMEOUT, async || open().await.status().as_u16() == 200).await;
}

/// Calls an RPC and never ends the request.
async fn send_half(gateway: &Harness, path: &'static str) -> Status {
    let mut client = tonic::client::Grpc::new(gateway.channel().await);
    client.ready().await.unwrap();
    let request = gateway.grpc_request("host", futures::stream::pending());
    let codec = ValidatingCodec::<SubscribeRequest, SubscribeResponse>::default();
    let call = client.streaming(request, path.parse().unwrap(), codec);
    let response = timeout(TIMEOUT, call).await.expect("a response");
    response.expect_err("the request is not complete")
}

#[tokio::test]
async fn request_that_is_never_sent_whole_ends_at_the_timeout() {
    let timeout = Duration::from_millis(100);
    let gateway = Harness::start_with(|config| config.common.server.request_timeout = timeout).await;
    for path in [
        "/carshare.notification.v1.NotificationService/Subscribe",
        "/grpc.health.v1.Health/Check",
    ] {
        let status = send_half(&gateway, path).await;
        assert_eq!(status.code(), Code::DeadlineExceeded, "{path}");
    }
}

/// A webhook whose body never ends.
fn endless(gateway: &Harness) -> RequestBuilder {
    let body = futures::stream::pending::<Result<Vec<u8>, Infallible>>();
    let request = gateway.anonymous(Method::POST, "/v1/payments/webhook");
    let request = request.header("content-type", "application/json");
    request.body(reqwest::Body::wrap_stream(body))
}

#[tokio::test]
async fn body_that_never_ends_is_a_request_timeout() {
    let body_timeout = Duration::from_millis(100);
    let gateway = Harness::start_with(|config| config.service.edge.body_timeout = body_timeout).await;
    assert_eq!(send_for_code(endless(&gateway)).await, code(408, "COMMON014"));
    assert_eq!(
        send_half(&gateway, "/grpc.health.v1.Health/Check").await.code(),
        Code::DeadlineExceeded
    );
    let path = "/carshare.notification.v1.NotificationService/ListNotifications";
    let body = futures::stream::pending::<Result<Vec<u8>, Infallible>>();
    let connect = gateway.anonymous(Method::POST, path);
    let connect = connect.header("content-type", "application/json");
    let (status, error) = send_for_json(connect.body(reqwest::Body::wrap_stream(body))).await;
    assert_eq!((status, &error["code"]), (504, &json!("deadline_exceeded")));
    let status = send_half(&gateway, path).await;
    assert_eq!(
        (
            status.code(),
            status.get_error_details().error_info().unwrap().reason.as_str()
        ),
        (Code::DeadlineExceeded, "REQUEST_TIMEOUT")
    );
}

#[tokio::test]
async fn address_with_unfinished_bodies_is_refused_and_is_served_when_they_are_gone() {
    let gateway = Harness::start_with(|config| config.service.limits.in_flight_by_address = 1).await;
    let keys = || gateway.anonymous(Method::GET, "/.well-known/jwks.json");
    let others = async {
        eventually_true(TIMEOUT, async || {
            send_for_code(keys()).await == code(429, "COMMON004")
        })
        .await;
    };
    // Is refused too while a request for keys has the place.
    let unfinished = async {
        loop {
            send(endless(&gateway)).await;
        }
    };
    tokio::select! {
        () = unfinished => {}
        () = others => {}
    }
    eventually_true(TIMEOUT, async || send(keys()).await.status().as_u16() == 200).await;
}

#[tokio::test]
async fn unfinished_bodies_give_their_places_to_other_requests() {
    let gateway = Harness::start_with(|config| {
        config.common.server.max_in_flight = 2;
        config.service.limits.in_flight_by_class = 1;
    })
    .await;
    let by = |request: RequestBuilder| {
        let body = futures::stream::pending::<Result<Vec<u8>, Infallible>>();
        let request = request.header("content-type", "application/json");
        request.body(reqwest::Body::wrap_stream(body))
    };
    let connect = "/carshare.notification.v1.NotificationService/ListNotifications";
    let kinds: [(&dyn Fn() -> RequestBuilder, u16); 3] = [
        (
            &|| by(gateway.request("guest", Method::POST, "/v1/bookings")),
            408,
        ),
        (&|| by(gateway.request("guest", Method::POST, connect)), 504),
        (&|| endless(&gateway), 408),
    ];
    for (unfinished, ended_by) in kinds {
        let ended = async {
            let all = [(); 4].map(|()| send(unfinished()));
            let (first, _, rest) = futures::future::select_all(all.map(Box::pin)).await;
            (first, rest)
        };
        let (first, rest) = timeout(TIMEOUT, ended).await.expect("the oldest of four ends");
        assert_eq!(first.status().as_u16(), ended_by);
        let list = gateway.request("guest", Method::GET, "/v1/bookings");
        assert_eq!(
            send(list).await.status().as_u16(),
            200,
            "while {} are arriving",
            rest.len()
        );
    }
}

#[tokio::test]
async fn health_is_rate_limited_and_its_streams_end_on_drain() {
    let gateway = Harness::start_with(|config| config.service.limits.per_minute_by_address = 1).await;
    let mut client = tonic_health::pb::health_client::HealthClient::new(gateway.channel().await);
    let request = tonic_health::pb::HealthCheckRequest::default();
    let mut stream = client.watch(request.clone()).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let refused = client.check(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    gateway.shutdown.trigger();
    let ended = timeout(TIMEOUT, stream.message()).await.expect("the stream ends");
    assert_eq!(ended.unwrap_err().code(), Code::Unavailable);
}

/// Returns a connection on which a request was answered; `None` if it was closed instead.
async fn answered_connection(gateway: &Harness) -> Option<TcpStream> {
    let mut connection = TcpStream::connect(gateway.address).await.ok()?;
    let request = b"GET /nothing HTTP/1.1\r\nhost: h\r\n\r\n";
    connection.write_all(request).await.ok()?;
    let read = connection.read(&mut [0; 100]).await;
    read.is_ok_and(|bytes| bytes > 0).then_some(connection)
}

#[tokio::test]
async fn connection_above_the_limit_of_its_address_is_closed_until_another_one_ends() {
    let gateway = Harness::start_with(|config| config.service.limits.connections_by_address = 2).await;
    let first = answered_connection(&gateway).await;
    let second = answered_connection(&gateway).await;
    assert!(first.is_some() && second.is_some());
    assert!(answered_connection(&gateway).await.is_none());
    drop(first);
    eventually_true(TIMEOUT, async || answered_connection(&gateway).await.is_some()).await;
}

#[tokio::test]
async fn connections_of_trusted_proxies_are_not_limited() {
    let gateway = Harness::start_with(|config| {
        config.service.limits.connections_by_address = 1;
        config.service.limits.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let first = answered_connection(&gateway).await;
    let second = answered_connection(&gateway).await;
    assert!(first.is_some() && second.is_some());
}
