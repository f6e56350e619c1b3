//! The Connect protocol, as its clients write it.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use carshare_proto::booking::v1::{Booking, GetBookingRequest};
use carshare_proto::notification::v1::{SubscribeRequest, SubscribeResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message as _;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use tonic_types::pb::ErrorInfo;

use crate::harness::{Harness, TIMEOUT, VEHICLE, header, into_json, send};

const GET: &str = "/carshare.booking.v1.BookingService/GetBooking";
const CREATE: &str = "/carshare.booking.v1.BookingService/CreateBooking";
const SUBSCRIBE: &str = "/carshare.notification.v1.NotificationService/Subscribe";

fn request(gateway: &Harness, path: &str, content_type: &str) -> RequestBuilder {
    gateway
        .request("guest", Method::POST, path)
        .header("content-type", content_type)
        .header("connect-protocol-version", "1")
}

fn create(gateway: &Harness, message: &str) -> RequestBuilder {
    let body = json!({
        "vehicleId": VEHICLE, "startDatetime": "2026-11-23T01:00:00Z", "endDatetime": "2026-11-23T05:00:00Z",
        "guestMessage": message,
    });
    request(gateway, CREATE, "application/json").body(body.to_string())
}

fn envelope(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// Returns flag and content of the envelopes of a body.
fn envelopes(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut envelopes = Vec::new();
    while body.len() >= 5 {
        let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
        envelopes.push((body[0], body[5..5 + length].to_vec()));
        body = &body[5 + length..];
    }
    assert!(body.is_empty());
    envelopes
}

/// Opens a stream of two messages that ends at a deadline.
async fn subscribe(gateway: &Harness, content_type: &str, message: &[u8]) -> Response {
    let request = gateway
        .request("host", Method::POST, SUBSCRIBE)
        .header("content-type", content_type)
        .header("connect-timeout-ms", "500");
    send(request.body(envelope(message))).await
}

async fn read(response: Response) -> Vec<(u8, Vec<u8>)> {
    let body = timeout(TIMEOUT, response.bytes()).await.expect("the stream ends");
    envelopes(&body.unwrap())
}

#[tokio::test]
async fn unary_call_in_protobuf() {
    let gateway = Harness::start().await;
    let message = GetBookingRequest {
        booking_id: VEHICLE.into(),
    };
    let call = request(&gateway, GET, "application/proto").body(message.encode_to_vec());
    let response = send(call.header("x-correlation-id", "c-1")).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "content-type")),
        (200, Some("application/proto"))
    );
    assert_eq!(header(&response, "x-correlation-id"), Some("c-1"));
    for name in ["grpc-status", "grpc-encoding", "trailer", "x-frame-options"] {
        assert_eq!(header(&response, name), None, "{name}");
    }
    assert_eq!(
        Booking::decode(response.bytes().await.unwrap()).unwrap().id,
        VEHICLE
    );
}

#[tokio::test]
async fn unary_call_in_json_is_canonical() {
    let gateway = Harness::start().await;
    let response = send(create(&gateway, "안녕")).await;
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    let (status, booking) = into_json(response).await;
    let seen = (
        &booking["totalAmount"],
        &booking["status"],
        &booking["guestMessage"],
    );
    assert_eq!(status, 200);
    assert_eq!(
        seen,
        (&json!("52000"), &json!("BOOKING_STATUS_PENDING"), &json!("안녕"))
    );
}

#[tokio::test]
async fn gzip_request_is_read_and_a_bomb_is_refused() {
    let gateway = Harness::start().await;
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let message = json!({ "bookingId": VEHICLE }).to_string();
    let call = async |encoding: &str, body: Vec<u8>| {
        let request = request(&gateway, GET, "application/json").header("content-encoding", encoding);
        into_json(send(request.body(body)).await).await
    };
    assert_eq!(
        call("gzip", gzip(message.as_bytes())).await,
        (200, json!({ "id": VEHICLE }))
    );
    let (status, bomb) = call("gzip", gzip(&vec![b' '; 5 << 20])).await;
    assert_eq!((status, &bomb["code"]), (429, &json!("resource_exhausted")));
    let (status, unknown) = call("zstd", message.into()).await;
    assert_eq!((status, &unknown["code"]), (501, &json!("unimplemented")));
}

#[tokio::test]
async fn error_is_json_with_the_status_and_details_of_the_service() {
    let gateway = Harness::start().await;
    let response = send(create(&gateway, "taken")).await;
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    let (status, error) = into_json(response).await;
    assert_eq!((status, &error["code"]), (400, &json!("failed_precondition")));
    assert_eq!(error["message"], "The vehicle is already booked for that time.");
    let info = &error["details"][0];
    assert_eq!(info["type"], "google.rpc.ErrorInfo");
    let info = STANDARD_NO_PAD.decode(info["value"].as_str().unwrap()).unwrap();
    assert_eq!(ErrorInfo::decode(&*info).unwrap().reason, "SLOT_TAKEN");
}

#[tokio::test]
async fn errors_of_the_gateway_have_the_http_status_of_their_code() {
    let gateway = Harness::start().await;
    let call = async |request: RequestBuilder| {
        let (status, error) = into_json(send(request).await).await;
        (status, error["code"].as_str().unwrap_or_default().to_owned())
    };
    let anonymous = gateway
        .anonymous(Method::POST, GET)
        .header("content-type", "application/json");
    assert_eq!(
        call(anonymous.body("{}")).await,
        (401, "unauthenticated".to_owned())
    );
    let malformed = request(&gateway, GET, "application/json").body("{");
    assert_eq!(call(malformed).await, (400, "invalid_argument".to_owned()));
    let invalid = request(&gateway, CREATE, "application/json").body("{}");
    assert_eq!(call(invalid).await, (400, "invalid_argument".to_owned()));
    let version = request(&gateway, GET, "application/json").header("connect-timeout-ms", "soon");
    assert_eq!(
        call(version.body("{}")).await,
        (400, "invalid_argument".to_owned())
    );
    let down = "/carshare.payment.v1.PaymentService/ListPayments";
    let down = request(&gateway, down, "application/json").body("{}");
    assert_eq!(call(down).await, (503, "unavailable".to_owned()));
    for hidden in ["vehicle.v1.VehicleService/PlaceHold", "nowhere.v1.Nowhere/Get"] {
        let path = format!("/carshare.{hidden}");
        let unknown = request(&gateway, &path, "application/proto").body("");
        assert_eq!(call(unknown).await, (501, "unimplemented".to_owned()), "{hidden}");
    }
    let late = create(&gateway, "hang").header("connect-timeout-ms", "300");
    assert_eq!(call(late).await, (504, "deadline_exceeded".to_owned()));
}

#[tokio::test]
async fn content_type_of_another_kind_of_call_is_unsupported() {
    let gateway = Harness::start().await;
    for (path, content_type) in [
        (GET, "application/connect+proto"),
        (SUBSCRIBE, "application/json"),
        (GET, "text/plain"),
    ] {
        let response = send(request(&gateway, path, content_type).body("{}")).await;
        assert_eq!(response.status().as_u16(), 415, "{path} {content_type}");
        assert!(
            header(&response, "accept-post")
                .unwrap()
                .contains("application/connect+json")
        );
    }
    assert_eq!(gateway.services.calls(), 0);
}

#[tokio::test]
async fn stream_ends_with_an_envelope_that_has_the_error() {
    let gateway = Harness::start().await;
    let message = SubscribeRequest { cursor: "4".into() };
    let proto = subscribe(&gateway, "application/connect+proto", &message.encode_to_vec()).await;
    assert_eq!(header(&proto, "content-type"), Some("application/connect+proto"));
    let json = subscribe(&gateway, "application/connect+json", br#"{"cursor":"4"}"#).await;
    assert_eq!(header(&json, "content-type"), Some("application/connect+json"));
    let (proto, json) = (read(proto).await, read(json).await);
    for envelopes in [&proto, &json] {
        let flags: Vec<u8> = envelopes.iter().map(|(flag, _)| *flag).collect();
        assert_eq!(flags, [0, 0, 2]);
        let end: Value = serde_json::from_slice(&envelopes[2].1).unwrap();
        assert_eq!(end["error"]["code"], "deadline_exceeded");
        assert_eq!(end["error"]["details"][0]["type"], "google.rpc.ErrorInfo");
    }
    assert_eq!(SubscribeResponse::decode(&*proto[1].1).unwrap().cursor, "6");
    let second: Value = serde_json::from_slice(&json[1].1).unwrap();
    assert_eq!(second, json!({ "cursor": "6", "heartbeat": {} }));
}

#[tokio::test]
async fn refused_stream_is_one_envelope() {
    let gateway = Harness::start().await;
    let refused = subscribe(&gateway, "application/connect+json", br#"{"cursor":"bad"}"#).await;
    let malformed = subscribe(&gateway, "application/connect+json", b"{").await;
    for response in [refused, malformed] {
        assert_eq!(response.status().as_u16(), 200);
        let envelopes = read(response).await;
        assert_eq!((envelopes.len(), envelopes[0].0), (1, 2));
        let end: Value = serde_json::from_slice(&envelopes[0].1).unwrap();
        assert_eq!(end["error"]["code"], "invalid_argument", "{end}");
    }
}
