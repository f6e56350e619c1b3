//! What one client can hold on to, others must not miss: places for requests, streams, connections to the services.

use std::time::Duration;

use carshare_proto::codec::ValidatingCodec;
use carshare_proto::notification::v1::{SubscribeRequest, SubscribeResponse};
use carshare_testkit::eventually_true;
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;
use tonic::{Code, Request, Status};

use crate::harness::{Edge, STREAMS, TIMEOUT, header, told};

const STREAM: &str = "/v1/notifications/stream";

#[tokio::test]
async fn open_streams_keep_nobody_from_calling() {
    let edge = Edge::start_with(|config| config.service.limits.per_minute_by_address = 0).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        open.push(edge.request("host", Method::GET, STREAM).send().await.unwrap());
    }
    assert!(open.iter().all(|stream| stream.status().as_u16() == 200));
    let call = edge.request("guest", Method::GET, "/v1/notifications").send();
    let answer = timeout(TIMEOUT / 2, call).await.expect("an answer").unwrap();
    assert_eq!(told(answer).await, (200, json!([])));
}

#[tokio::test]
async fn streams_are_refused_when_all_places_are_taken() {
    let edge = Edge::start_with(|config| config.service.edge.max_streams = 1).await;
    let open = async || edge.request("host", Method::GET, STREAM).send().await.unwrap();
    let first = open().await;
    assert_eq!(first.status().as_u16(), 200);
    let second = open().await;
    assert!(header(&second, "retry-after").is_some());
    let (status, problem) = told(second).await;
    assert_eq!((status, &problem["code"]), (503, &json!("COMMON005")));
    drop(first);
    eventually_true(TIMEOUT, async || open().await.status().as_u16() == 200).await;
}

/// Calls an RPC and never finishes the request.
async fn half_sent(edge: &Edge, path: &'static str) -> Status {
    let mut client = tonic::client::Grpc::new(edge.channel().await);
    client.ready().await.expect("a connection");
    let mut request = Request::new(futures::stream::pending());
    let bearer = format!("Bearer {}", edge.token("host"));
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().expect("ASCII"));
    let codec = ValidatingCodec::<SubscribeRequest, SubscribeResponse>::default();
    let call = client.streaming(request, path.parse().expect("a path"), codec);
    timeout(TIMEOUT, call)
        .await
        .expect("an answer")
        .expect_err("no end")
}

#[tokio::test]
async fn a_request_that_is_never_sent_whole_loses_its_place() {
    let edge =
        Edge::start_with(|config| config.common.server.request_timeout = Duration::from_millis(100)).await;
    for path in [
        "/carshare.notification.v1.NotificationService/Subscribe",
        "/grpc.health.v1.Health/Check",
    ] {
        assert_eq!(
            half_sent(&edge, path).await.code(),
            Code::DeadlineExceeded,
            "{path}"
        );
    }
}

#[tokio::test]
async fn health_and_reflection_are_limited_and_end_with_the_gateway() {
    let edge = Edge::start_with(|config| config.service.limits.per_minute_by_address = 1).await;
    let mut client = tonic_health::pb::health_client::HealthClient::new(edge.channel().await);
    let watch = tonic_health::pb::HealthCheckRequest::default();
    let mut watching = client.watch(watch.clone()).await.unwrap().into_inner();
    watching.message().await.unwrap().unwrap();
    let refused = client.check(watch).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    edge.shutdown.trigger();
    let ended = timeout(Duration::from_secs(5), watching.message())
        .await
        .expect("it ends");
    assert_eq!(ended.unwrap_err().code(), Code::Unavailable);
}
