//! What the gRPC protocol asks of a server beside calls: health by name, compression, refusals of requests that cannot be read.

use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::booking::v1::{Booking, CreateBookingRequest};
use http::{HeaderMap, Request};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use reqwest::Method;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceExt as _;

use crate::harness::{Harness, booking, header, send};

const CREATE: &str = "/carshare.booking.v1.BookingService/CreateBooking";

/// Posts the frame of a gRPC message and returns headers and body of the response.
async fn post(
    gateway: &Harness,
    path: &str,
    headers: &[(&str, &str)],
    frame: Vec<u8>,
) -> (HeaderMap, Vec<u8>) {
    let mut request = Request::post(path)
        .header("te", "trailers")
        .header("authorization", format!("Bearer {}", gateway.token("guest")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::new(Full::from(frame));
    let response = gateway
        .channel()
        .await
        .oneshot(request.body(body).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    (head.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

fn frame(message: &CreateBookingRequest) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat()
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

#[tokio::test]
async fn health_answers_for_each_service_by_its_full_name() {
    let gateway = Harness::start().await;
    let health = async |service: &str| {
        let mut client = HealthClient::new(gateway.channel().await);
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let reply = client.check(request).await;
        reply
            .map(|reply| reply.get_ref().status())
            .map_err(|status| status.code())
    };
    for (service, expected) in [
        ("", Ok(ServingStatus::Serving)),
        ("grpc.health.v1.Health", Ok(ServingStatus::Serving)),
        ("carshare.booking.v1.BookingService", Ok(ServingStatus::Serving)),
        // The process is down.
        (
            "carshare.payment.v1.PaymentService",
            Ok(ServingStatus::NotServing),
        ),
        // The process does not serve it.
        (
            "carshare.vehicle.v1.VehicleService",
            Ok(ServingStatus::NotServing),
        ),
        ("carshare.booking.v1.Booking", Err(Code::NotFound)),
    ] {
        assert_eq!(health(service).await, expected, "{service:?}");
    }
}

#[tokio::test]
async fn request_that_cannot_be_read_is_an_invalid_argument() {
    let gateway = Harness::start().await;
    for path in ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"] {
        let (headers, _) = post(&gateway, path, &[GRPC], Vec::new()).await;
        let status = Status::from_header_map(&headers).unwrap();
        assert_eq!(
            (status.code(), status.details().is_empty()),
            (Code::InvalidArgument, false),
            "{path}"
        );
    }
}

#[tokio::test]
async fn gzip_request_is_forwarded_and_another_encoding_is_refused_with_the_accepted_ones() {
    let gateway = Harness::start().await;
    let mut client =
        BookingServiceClient::new(gateway.channel().await).send_compressed(CompressionEncoding::Gzip);
    let message = "x".repeat(400);
    let request = gateway.grpc_request("guest", booking(&message));
    let reply = client.create_booking(request).await.unwrap().into_inner();
    assert_eq!(reply.guest_message, Some(message));
    assert_eq!(gateway.services.last().get("grpc-encoding").unwrap(), "gzip");

    let (headers, _) = post(
        &gateway,
        CREATE,
        &[GRPC, ("grpc-encoding", "snappy")],
        frame(&booking("")),
    )
    .await;
    assert_eq!(
        Status::from_header_map(&headers).unwrap().code(),
        Code::Unimplemented
    );
    assert_eq!(headers["grpc-accept-encoding"], "gzip,identity");
}

#[tokio::test]
async fn large_reply_is_compressed_for_clients_that_accept_gzip() {
    let gateway = Harness::start().await;
    let large = booking(&"가".repeat(900));
    let accepts = ("grpc-accept-encoding", "identity, deflate, gzip");
    let plain = post(&gateway, CREATE, &[GRPC], frame(&large)).await;
    assert!(!plain.0.contains_key("grpc-encoding"));
    let small = post(&gateway, CREATE, &[GRPC, accepts], frame(&booking("x"))).await;
    assert!(!small.0.contains_key("grpc-encoding"));

    let mut client =
        BookingServiceClient::new(gateway.channel().await).accept_compressed(CompressionEncoding::Gzip);
    let reply = client
        .create_booking(gateway.grpc_request("guest", large.clone()))
        .await
        .unwrap();
    assert_eq!(reply.metadata().get("grpc-encoding").unwrap(), "gzip");
    let expected = Booking::decode(&plain.1[5..]).unwrap();
    assert!(expected.encoded_len() > 1024);
    assert_eq!(reply.into_inner(), expected);
}

#[tokio::test]
async fn messages_other_than_protobuf_are_an_unsupported_media_type() {
    let gateway = Harness::start().await;
    let call = async |content_type: &str| {
        let request = gateway
            .request("guest", Method::POST, CREATE)
            .header("content-type", content_type)
            .body(frame(&booking("")));
        let response = send(request).await;
        (
            response.status().as_u16(),
            header(&response, "grpc-status").map(str::to_owned),
        )
    };
    for content_type in [
        "application/grpc+json",
        "application/grpc+thrift",
        "application/grpc-web+json",
        "application/grpcx",
    ] {
        assert_eq!(
            call(content_type).await,
            (415, Some("12".to_owned())),
            "{content_type}"
        );
    }
    assert_eq!(gateway.services.calls(), 0);
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc;x=y",
    ] {
        assert_eq!(call(content_type).await.0, 200, "{content_type}");
    }
    assert_eq!(gateway.services.calls(), 3);
}

#[tokio::test]
async fn reply_has_no_headers_of_browsers() {
    let gateway = Harness::start_with(|config| config.service.edge.behind_https_proxy = true).await;
    let (headers, _) = post(&gateway, CREATE, &[GRPC], frame(&booking(""))).await;
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "content-type",
            "date",
            "ratelimit",
            "ratelimit-policy",
            "x-correlation-id"
        ]
    );
}

/// grpcio reports a data frame that ends the stream as `UNKNOWN`.
#[tokio::test]
async fn error_is_a_head_without_a_body_for_clients_that_accept_gzip() {
    let gateway = Harness::start().await;
    for message in ["taken", "bare"] {
        let request = Request::post(CREATE)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-accept-encoding", "identity, deflate, gzip")
            .header("authorization", format!("Bearer {}", gateway.token("guest")))
            .body(Body::new(Full::from(frame(&booking(message)))));
        let channel = gateway.channel().await;
        let response = channel.oneshot(request.unwrap()).await.unwrap();
        assert!(response.headers().contains_key("grpc-status"), "{message}");
        assert!(response.body().is_end_stream(), "{message}");
    }
}
