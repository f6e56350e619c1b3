//! Native gRPC through the gateway.

use std::collections::BTreeSet;

use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::booking::v1::{CreateBookingRequest, GetBookingRequest};
use carshare_proto::codec::ValidatingCodec;
use carshare_proto::contract;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_proto::notification::v1::{SubscribeRequest, SubscribeResponse};
use carshare_proto::payment::v1::ListPaymentsRequest;
use carshare_proto::payment::v1::payment_service_client::PaymentServiceClient;
use carshare_proto::vehicle::v1::ReleaseHoldRequest;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_testkit::eventually_true;
use prost::Message as _;
use prost_types::{FileDescriptorProto, MethodDescriptorProto};
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;

use crate::harness::{Harness, TIMEOUT, VEHICLE, booking};

async fn bookings(gateway: &Harness) -> BookingServiceClient<Channel> {
    BookingServiceClient::new(gateway.channel().await)
}

async fn create_booking(gateway: &Harness, role: &str, request: CreateBookingRequest) -> Status {
    let request = gateway.grpc_request(role, request);
    bookings(gateway).await.create_booking(request).await.unwrap_err()
}

async fn subscribe(gateway: &Harness, cursor: &str) -> Streaming<SubscribeResponse> {
    let request = gateway.grpc_request(
        "host",
        SubscribeRequest {
            cursor: cursor.into(),
        },
    );
    let mut client = NotificationServiceClient::new(gateway.channel().await);
    client.subscribe(request).await.unwrap().into_inner()
}

/// Compares code, reason and stable code of a status.
#[track_caller]
fn assert_status(status: &Status, code: Code, reason: &str, stable_code: &str) {
    let info = status.get_details_error_info().expect("an ErrorInfo");
    assert_eq!(
        (
            status.code(),
            info.reason.as_str(),
            info.metadata["code"].as_str()
        ),
        (code, reason, stable_code)
    );
}

#[tokio::test]
async fn unary_call_is_forwarded_with_its_metadata() {
    let gateway = Harness::start().await;
    let mut request = gateway.grpc_request("guest", booking("hello"));
    for (name, value) in [("x-correlation-id", "fleet-1"), ("x-carshare-peer", "vehicle")] {
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    let reply = bookings(&gateway).await.create_booking(request).await.unwrap();
    assert_eq!(reply.metadata().get("x-correlation-id").unwrap(), "fleet-1");
    assert_eq!(reply.into_inner().total_amount, 52_000);
    let seen = gateway.services.last();
    assert_eq!(seen.get("x-correlation-id").unwrap(), "fleet-1");
    let peers: Vec<_> = seen.get_all("x-carshare-peer").iter().collect();
    assert_eq!(peers, ["gateway"]);
}

#[tokio::test]
async fn status_of_a_service_is_forwarded_unchanged() {
    let gateway = Harness::start().await;
    let status = create_booking(&gateway, "guest", booking("taken")).await;
    assert_status(&status, Code::FailedPrecondition, "SLOT_TAKEN", "BOOKING002");
    assert_eq!(status.message(), "The vehicle is already booked for that time.");
    let korean = status.get_details_localized_message().unwrap();
    assert_eq!(
        (korean.locale.as_str(), korean.message.as_str()),
        ("ko", "선택하신 시간에는 이미 예약된 차량입니다.")
    );
}

#[tokio::test]
async fn every_violated_rule_is_in_the_status() {
    let gateway = Harness::start().await;
    let status = create_booking(&gateway, "guest", CreateBookingRequest::default()).await;
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.into_iter().map(|violation| violation.field).collect();
    assert_eq!(fields, ["vehicle_id", "start_datetime", "end_datetime"]);
}

#[tokio::test]
async fn errors_of_the_gateway_have_the_same_details() {
    let gateway = Harness::start().await;
    let request = GetBookingRequest {
        booking_id: VEHICLE.into(),
    };
    let anonymous = bookings(&gateway).await.get_booking(request).await.unwrap_err();
    assert_status(&anonymous, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    assert_eq!(anonymous.message(), "로그인이 필요합니다.");
    let host = create_booking(&gateway, "host", booking("")).await;
    assert_status(&host, Code::PermissionDenied, "PERMISSION_DENIED", "AUTH003");
    let mut payments = PaymentServiceClient::new(gateway.channel().await);
    let request = gateway.grpc_request("guest", ListPaymentsRequest::default());
    let down = payments.list_payments(request).await.unwrap_err();
    assert_status(&down, Code::Unavailable, "UNAVAILABLE", "COMMON005");
    assert!(down.get_details_retry_info().is_some());
    assert_eq!(gateway.services.calls(), 0);
}

#[tokio::test]
async fn internal_rpc_is_refused_like_an_unknown_one() {
    let gateway = Harness::start().await;
    let channel = gateway.channel().await;
    let release = ReleaseHoldRequest {
        booking_id: VEHICLE.into(),
    };
    let release = gateway.grpc_request("admin", release);
    let mut vehicles = VehicleServiceClient::new(channel.clone());
    let internal = vehicles.release_hold(release).await.unwrap_err();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ValidatingCodec::<GetBookingRequest, GetBookingRequest>::default();
    let path = "/carshare.nowhere.v1.NowhereService/Get".parse().unwrap();
    let request = Request::new(GetBookingRequest::default());
    let unknown = client.unary(request, path, codec).await.unwrap_err();
    for status in [&internal, &unknown] {
        assert_status(status, Code::Unimplemented, "UNKNOWN_METHOD", "COMMON012");
    }
    assert_eq!(internal.message(), unknown.message());
}

#[tokio::test]
async fn server_stream_is_forwarded_and_ends_with_its_client() {
    let gateway = Harness::start().await;
    let mut stream = subscribe(&gateway, "6").await;
    assert_eq!(stream.message().await.unwrap().unwrap().cursor, "7");
    assert_eq!(gateway.services.streams(), 1);
    drop(stream);
    eventually_true(TIMEOUT, async || gateway.services.streams() == 0).await;
}

#[tokio::test]
async fn error_within_a_stream_is_forwarded_unchanged() {
    let gateway = Harness::start().await;
    let mut stream = subscribe(&gateway, "100").await;
    assert_eq!(stream.message().await.unwrap().unwrap().cursor, "101");
    let status = stream.message().await.unwrap_err();
    assert_status(&status, Code::Unauthenticated, "TOKEN_EXPIRED", "AUTH002");
}

#[tokio::test]
async fn streams_end_on_drain_with_a_retry_delay() {
    let gateway = Harness::start().await;
    let mut stream = subscribe(&gateway, "").await;
    stream.message().await.unwrap().unwrap();
    stream.message().await.unwrap().unwrap();
    gateway.shutdown.trigger();
    let ended = timeout(TIMEOUT, stream.message()).await.expect("the stream ends");
    let status = ended.unwrap_err();
    assert_status(&status, Code::Unavailable, "UNAVAILABLE", "COMMON005");
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn message_above_the_limit_is_refused() {
    let gateway = Harness::start_with(|config| config.common.server.max_message_bytes = 1024).await;
    let status = create_booking(&gateway, "guest", booking(&"x".repeat(2048))).await;
    assert_status(&status, Code::ResourceExhausted, "TOO_LARGE", "COMMON009");
    assert_eq!(gateway.services.calls(), 0);
}

/// Sends one request to the reflection service.
async fn reflect(gateway: &Harness, request: MessageRequest) -> Result<MessageResponse, Status> {
    let mut client = ServerReflectionClient::new(gateway.channel().await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let responses = client
        .server_reflection_info(futures::stream::iter([request]))
        .await;
    let response = responses?.into_inner().message().await?.expect("a response");
    Ok(response.message_response.expect("its message"))
}

#[tokio::test]
async fn reflection_lists_each_service_once() {
    let gateway = Harness::start().await;
    let response = reflect(&gateway, MessageRequest::ListServices(String::new())).await;
    let Ok(MessageResponse::ListServicesResponse(list)) = response else {
        panic!("{response:?}")
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    let public = contract::methods().filter(|rpc| {
        let access = contract::access(rpc).unwrap_or_default();
        access.internal.is_empty()
    });
    let services = public.map(|rpc| rpc.parent_service().full_name().to_owned());
    let expected: BTreeSet<_> = services.chain(["grpc.health.v1.Health".to_owned()]).collect();
    let expected: Vec<_> = expected.into_iter().collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn reflection_leaves_out_internal_rpcs() {
    let gateway = Harness::start().await;
    let symbol = |name: &str| MessageRequest::FileContainingSymbol(name.to_owned());
    let response = reflect(&gateway, symbol("carshare.vehicle.v1.VehicleService")).await;
    let Ok(MessageResponse::FileDescriptorResponse(file)) = response else {
        panic!("{response:?}")
    };
    let file = FileDescriptorProto::decode(file.file_descriptor_proto[0].as_slice()).unwrap();
    let methods = file.service[0].method.iter();
    let names: Vec<_> = methods.map(MethodDescriptorProto::name).collect();
    assert!(
        names.contains(&"GetVehicle") && !names.contains(&"PlaceHold"),
        "{names:?}"
    );
    let internal = reflect(&gateway, symbol("carshare.vehicle.v1.VehicleService.PlaceHold")).await;
    assert_eq!(internal.unwrap_err().code(), Code::NotFound);
}
