//! Native gRPC through the gateway: bytes in, bytes out.

use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::booking::v1::{CreateBookingRequest, GetBookingRequest};
use carshare_proto::notification::v1::SubscribeRequest;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_proto::payment::v1::ListPaymentsRequest;
use carshare_proto::payment::v1::payment_service_client::PaymentServiceClient;
use carshare_proto::vehicle::v1::ReleaseHoldRequest;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_testkit::eventually_true;
use prost::Message as _;
use prost_types::{FileDescriptorProto, MethodDescriptorProto, Timestamp};
use tonic::{Code, Request, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;

use crate::harness::{Edge, TIMEOUT, VEHICLE};

fn with_token<T>(edge: &Edge, role: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", edge.token(role));
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().expect("ASCII"));
    request
}

fn booking(message: &str) -> CreateBookingRequest {
    CreateBookingRequest {
        vehicle_id: VEHICLE.into(),
        start_datetime: Some(Timestamp {
            seconds: 1_795_400_000,
            nanos: 0,
        }),
        end_datetime: Some(Timestamp {
            seconds: 1_795_410_000,
            nanos: 0,
        }),
        guest_message: Some(message.into()),
    }
}

/// Code, reason and stable code of a status.
fn facts(status: &Status) -> (Code, String, String) {
    let info = status.get_details_error_info().expect("an ErrorInfo");
    (status.code(), info.reason, info.metadata["code"].clone())
}

#[tokio::test]
async fn a_unary_call_passes_through_with_its_metadata() {
    let edge = Edge::start().await;
    let mut client = BookingServiceClient::new(edge.channel().await);
    let mut request = with_token(&edge, "guest", booking("hello"));
    request
        .metadata_mut()
        .insert("x-correlation-id", "fleet-1".parse().unwrap());
    request
        .metadata_mut()
        .insert("x-carshare-peer", "vehicle".parse().unwrap());
    let reply = client.create_booking(request).await.unwrap();
    assert_eq!(reply.metadata().get("x-correlation-id").unwrap(), "fleet-1");
    assert_eq!(reply.into_inner().total_amount, 52_000);
    let seen = edge.services.last();
    assert_eq!(seen.get("x-correlation-id").unwrap(), "fleet-1");
    assert_eq!(
        seen.get_all("x-carshare-peer").iter().collect::<Vec<_>>(),
        ["gateway"]
    );
}

#[tokio::test]
async fn a_rich_error_passes_untouched() {
    let edge = Edge::start().await;
    let mut client = BookingServiceClient::new(edge.channel().await);
    let refused = client
        .create_booking(with_token(&edge, "guest", booking("taken")))
        .await
        .unwrap_err();
    assert_eq!(
        facts(&refused),
        (Code::Aborted, "SLOT_TAKEN".into(), "BOOKING002".into())
    );
    assert_eq!(refused.message(), "The vehicle is already booked for that time.");
    let korean = refused.get_details_localized_message().unwrap();
    assert_eq!(
        (korean.locale.as_str(), korean.message.as_str()),
        ("ko", "선택하신 시간에는 이미 예약된 차량입니다.")
    );
}

#[tokio::test]
async fn the_rules_of_the_contract_hold_and_name_every_field() {
    let edge = Edge::start().await;
    let mut client = BookingServiceClient::new(edge.channel().await);
    let refused = client
        .create_booking(with_token(&edge, "guest", CreateBookingRequest::default()))
        .await
        .unwrap_err();
    let fields = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.into_iter().map(|violation| violation.field).collect();
    assert_eq!(fields, ["vehicle_id", "start_datetime", "end_datetime"]);
}

#[tokio::test]
async fn the_gateways_own_refusals_carry_the_same_details() {
    let edge = Edge::start().await;
    let channel = edge.channel().await;
    let id = GetBookingRequest {
        booking_id: VEHICLE.into(),
    };
    let nobody = BookingServiceClient::new(channel.clone())
        .get_booking(id)
        .await
        .unwrap_err();
    assert_eq!(
        facts(&nobody),
        (Code::Unauthenticated, "UNAUTHENTICATED".into(), "AUTH001".into())
    );
    assert_eq!(nobody.message(), "로그인이 필요합니다.");
    let host = with_token(&edge, "host", booking(""));
    let host = BookingServiceClient::new(channel.clone())
        .create_booking(host)
        .await
        .unwrap_err();
    assert_eq!(
        facts(&host),
        (
            Code::PermissionDenied,
            "PERMISSION_DENIED".into(),
            "AUTH003".into()
        )
    );
    let mut payments = PaymentServiceClient::new(channel);
    let down = payments
        .list_payments(with_token(&edge, "guest", ListPaymentsRequest::default()))
        .await
        .unwrap_err();
    assert_eq!(
        facts(&down),
        (Code::Unavailable, "UNAVAILABLE".into(), "COMMON005".into())
    );
    assert!(down.get_details_retry_info().is_some());
    assert_eq!(edge.services.calls(), 0);
}

#[tokio::test]
async fn an_internal_rpc_and_an_unknown_one_do_not_exist() {
    let edge = Edge::start().await;
    let channel = edge.channel().await;
    let release = with_token(
        &edge,
        "admin",
        ReleaseHoldRequest {
            booking_id: VEHICLE.into(),
        },
    );
    let internal = VehicleServiceClient::new(channel.clone())
        .release_hold(release)
        .await
        .unwrap_err();
    let mut unknown = tonic::client::Grpc::new(channel);
    unknown.ready().await.unwrap();
    let codec = carshare_proto::codec::ValidatingCodec::<GetBookingRequest, GetBookingRequest>::default();
    let path = "/carshare.nowhere.v1.NowhereService/Get".parse().unwrap();
    let unknown = unknown
        .unary(Request::new(GetBookingRequest::default()), path, codec)
        .await
        .unwrap_err();
    for status in [&internal, &unknown] {
        assert_eq!(
            facts(status),
            (Code::Unimplemented, "UNKNOWN_METHOD".into(), "COMMON012".into())
        );
    }
    assert_eq!(internal.message(), unknown.message());
}

#[tokio::test]
async fn a_server_stream_passes_and_ends_with_its_client() {
    let edge = Edge::start().await;
    let mut client = NotificationServiceClient::new(edge.channel().await);
    let request = with_token(&edge, "host", SubscribeRequest { cursor: "6".into() });
    let mut stream = client.subscribe(request).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.cursor, "7");
    assert_eq!(edge.services.streams(), 1);
    drop(stream);
    eventually_true(TIMEOUT, || async { edge.services.streams() == 0 }).await;
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_passes_untouched() {
    let edge = Edge::start().await;
    let mut client = NotificationServiceClient::new(edge.channel().await);
    let request = with_token(&edge, "host", SubscribeRequest { cursor: "100".into() });
    let mut stream = client.subscribe(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().cursor, "101");
    let failed = stream.message().await.unwrap_err();
    assert_eq!(
        facts(&failed),
        (Code::Unauthenticated, "TOKEN_EXPIRED".into(), "AUTH002".into())
    );
}

#[tokio::test]
async fn a_draining_gateway_sends_streams_elsewhere() {
    let edge = Edge::start().await;
    let mut client = NotificationServiceClient::new(edge.channel().await);
    let mut stream = client
        .subscribe(with_token(&edge, "host", SubscribeRequest::default()))
        .await
        .unwrap()
        .into_inner();
    stream.message().await.unwrap().unwrap();
    stream.message().await.unwrap().unwrap();
    edge.shutdown.trigger();
    let ended = tokio::time::timeout(TIMEOUT, stream.message())
        .await
        .expect("the stream ends")
        .unwrap_err();
    assert_eq!(
        facts(&ended),
        (Code::Unavailable, "UNAVAILABLE".into(), "COMMON005".into())
    );
    assert!(ended.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let edge = Edge::start_with(|config| config.common.server.max_message_bytes = 1024).await;
    let mut client = BookingServiceClient::new(edge.channel().await);
    let large = with_token(&edge, "guest", booking(&"x".repeat(2048)));
    let refused = client.create_booking(large).await.unwrap_err();
    assert_eq!(
        facts(&refused),
        (Code::ResourceExhausted, "TOO_LARGE".into(), "COMMON009".into())
    );
    assert_eq!(edge.services.calls(), 0);
}

/// What reflection answers to one question.
async fn reflected(edge: &Edge, question: MessageRequest) -> Result<MessageResponse, Status> {
    let mut client = ServerReflectionClient::new(edge.channel().await);
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let asked = client.server_reflection_info(futures::stream::iter([ask])).await;
    let answer = asked?.into_inner().message().await?.expect("an answer");
    Ok(answer.message_response.expect("what was asked for"))
}

#[tokio::test]
async fn stock_clients_find_the_services_by_reflection() {
    let edge = Edge::start().await;
    let answer = reflected(&edge, MessageRequest::ListServices(String::new()))
        .await
        .unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for service in [
        "auth.v1.AuthService",
        "booking.v1.BookingService",
        "vehicle.v1.VehicleService",
    ] {
        assert!(names.contains(&format!("carshare.{service}")), "{names:?}");
    }
}

#[tokio::test]
async fn reflection_does_not_tell_of_internal_rpcs() {
    let edge = Edge::start().await;
    let symbol = "carshare.vehicle.v1.VehicleService".to_owned();
    let answer = reflected(&edge, MessageRequest::FileContainingSymbol(symbol))
        .await
        .unwrap();
    let MessageResponse::FileDescriptorResponse(file) = answer else {
        panic!("{answer:?}")
    };
    let file = FileDescriptorProto::decode(file.file_descriptor_proto[0].as_slice()).unwrap();
    let rpcs: Vec<_> = file.service[0]
        .method
        .iter()
        .map(MethodDescriptorProto::name)
        .collect();
    assert!(
        rpcs.contains(&"GetVehicle") && !rpcs.contains(&"PlaceHold"),
        "{rpcs:?}"
    );
    let symbol = "carshare.vehicle.v1.VehicleService.PlaceHold".to_owned();
    let refused = reflected(&edge, MessageRequest::FileContainingSymbol(symbol)).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
}
