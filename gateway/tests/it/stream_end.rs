//! Streams that end because their deadline passed, their service died or their token was revoked: the status is in the trailers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use carshare_chassis::Clock;
use carshare_chassis::config::{Redis, RevocationPolicy};
use carshare_chassis::identity::Revocations;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_proto::notification::v1::{SubscribeRequest, SubscribeResponse};
use carshare_testkit::redis_url;
use chrono::TimeDelta;
use futures::FutureExt as _;
use prost::Message as _;
use reqwest::{Method, Response};
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::harness::{Harness, START, TIMEOUT, USER, send};

const SUBSCRIBE: &str = "/carshare.notification.v1.NotificationService/Subscribe";

/// Opens a stream of two messages and silence. tonic's client applies `grpc-timeout` to the response head only.
async fn subscribe(gateway: &Harness, grpc_timeout: &str) -> Streaming<SubscribeResponse> {
    let mut request = gateway.grpc_request("host", SubscribeRequest::default());
    let metadata = request.metadata_mut();
    metadata.insert("grpc-timeout", grpc_timeout.parse().unwrap());
    let mut client = NotificationServiceClient::new(gateway.channel().await);
    let mut stream = client.subscribe(request).await.unwrap().into_inner();
    stream.message().await.unwrap().expect("the first message");
    stream.message().await.unwrap().expect("the second message");
    stream
}

async fn end(mut stream: Streaming<SubscribeResponse>) -> Status {
    let end = timeout(TIMEOUT, stream.message()).await.expect("the stream ends");
    end.expect_err("a status")
}

/// Opens the same stream over gRPC-web.
async fn subscribe_web(gateway: &Harness, grpc_timeout: &str) -> Response {
    let message = SubscribeRequest::default().encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let request = gateway
        .request("host", Method::POST, SUBSCRIBE)
        .header("content-type", "application/grpc-web+proto")
        .header("grpc-timeout", grpc_timeout)
        .body([&[0], &length[..], &message].concat());
    send(request).await
}

/// Reads the body, whose last frame has the trailers, and returns their status.
async fn end_web(response: Response) -> Status {
    let body = timeout(TIMEOUT, response.bytes()).await.expect("the stream ends");
    let mut rest = &body.expect("a whole body")[..];
    loop {
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
        let (frame, next) = rest.split_at(5 + length);
        if frame[0] == 0x80 {
            assert!(next.is_empty());
            return status(std::str::from_utf8(&frame[5..]).unwrap());
        }
        rest = next;
    }
}

/// Parses the lines of a trailers frame.
fn status(trailers: &str) -> Status {
    let field = |name: &str| {
        let mut lines = trailers.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .expect("the trailer")
            .trim()
    };
    let code: i32 = field("grpc-status").parse().unwrap();
    assert!(!field("grpc-message").is_empty());
    let details = STANDARD_NO_PAD
        .decode(field("grpc-status-details-bin").trim_end_matches('='))
        .unwrap();
    Status::with_details(code.into(), "", details.into())
}

#[track_caller]
fn assert_status(status: &Status, code: Code, stable_code: &str) {
    let info = status.get_details_error_info().expect("an ErrorInfo");
    assert_eq!(
        (status.code(), info.metadata["code"].as_str()),
        (code, stable_code)
    );
}

#[tokio::test]
async fn stream_ends_at_its_deadline_with_deadline_exceeded() {
    let gateway = Harness::start().await;
    let status = end(subscribe(&gateway, "500m").await).await;
    assert_status(&status, Code::DeadlineExceeded, "COMMON006");
    let status = end_web(subscribe_web(&gateway, "500m").await).await;
    assert_status(&status, Code::DeadlineExceeded, "COMMON006");
}

#[tokio::test]
async fn stream_whose_service_dies_ends_with_unavailable_and_a_retry_delay() {
    let gateway = Harness::start().await;
    let stream = subscribe(&gateway, "1M").await;
    let web = subscribe_web(&gateway, "1M").await;
    gateway.services.kill();
    for status in [end(stream).await, end_web(web).await] {
        assert_status(&status, Code::Unavailable, "COMMON005");
        assert!(status.get_details_retry_info().is_some());
    }
}

#[tokio::test]
async fn stream_ends_when_its_token_is_revoked_and_others_stay_open() {
    let redis = redis_url().await;
    let gateway = Harness::start_with(|config| config.service.redis = Some(Redis::at(redis.clone()))).await;
    let claims = gateway.tokens.claims("host", USER, START.parse().unwrap());
    let token = gateway.tokens.sign(&claims).unwrap();
    let mut request = tonic::Request::new(SubscribeRequest::default());
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let mut client = NotificationServiceClient::new(gateway.channel().await);
    let mut stream = client.subscribe(request).await.unwrap().into_inner();
    for _ in 0..2 {
        stream.message().await.unwrap().expect("a message");
    }
    let mut other = subscribe(&gateway, "1M").await;
    let revocations = Revocations::new(&Redis::at(redis), RevocationPolicy::Open).unwrap();
    let (clock, _) = Clock::manual(START.parse().unwrap());
    let expires_at = clock.now() + TimeDelta::minutes(15);
    revocations.revoke(claims.jti, expires_at, &clock).await.unwrap();
    let status = end(stream).await;
    assert_status(&status, Code::Unauthenticated, "AUTH004");
    assert!(other.message().now_or_never().is_none());
}
