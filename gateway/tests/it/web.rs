//! gRPC-web and gRPC-web-text, framed by hand as browsers do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carshare_proto::booking::v1::{Booking, CreateBookingRequest, GetBookingRequest};
use carshare_proto::notification::v1::{SubscribeRequest, SubscribeResponse};
use prost::Message;
use prost_types::Timestamp;
use reqwest::{Method, Response};

use crate::harness::{Edge, TIMEOUT, VEHICLE, header};

const GET: &str = "/carshare.booking.v1.BookingService/GetBooking";
const CREATE: &str = "/carshare.booking.v1.BookingService/CreateBooking";
const SUBSCRIBE: &str = "/carshare.notification.v1.NotificationService/Subscribe";

/// A message after its flag and length.
fn framed(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).expect("a small message").to_be_bytes();
    [&[0], &length[..], &bytes].concat()
}

/// The frames of a body: flag and content.
fn frames(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while body.len() >= 5 {
        let length = u32::from_be_bytes(body[1..5].try_into().expect("four bytes")) as usize;
        frames.push((body[0], body[5..5 + length].to_vec()));
        body = &body[5 + length..];
    }
    frames
}

/// Chunks are encoded one by one, so padding may stand in the middle.
fn decoded(text: &[u8]) -> Vec<u8> {
    text.chunks(4)
        .flat_map(|four| STANDARD.decode(four).expect("base64"))
        .collect()
}

async fn post(edge: &Edge, path: &str, content_type: &str, body: Vec<u8>) -> Response {
    let request = edge
        .request("guest", Method::POST, path)
        .header("content-type", content_type);
    request
        .header("accept", content_type)
        .header("x-grpc-web", "1")
        .body(body)
        .send()
        .await
        .expect("an answer")
}

fn get() -> Vec<u8> {
    framed(&GetBookingRequest {
        booking_id: VEHICLE.into(),
    })
}

#[tokio::test]
async fn a_unary_call_in_binary() {
    let edge = Edge::start().await;
    let response = post(&edge, GET, "application/grpc-web+proto", get()).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "content-type")),
        (200, Some("application/grpc-web+proto"))
    );
    let frames = frames(&response.bytes().await.unwrap());
    assert_eq!(Booking::decode(&frames[0].1[..]).unwrap().id, VEHICLE);
    assert_eq!(frames[1].0, 0x80);
    assert!(
        String::from_utf8_lossy(&frames[1].1).contains("grpc-status:0"),
        "{frames:?}"
    );
}

#[tokio::test]
async fn a_unary_call_in_text() {
    let edge = Edge::start().await;
    let body = STANDARD.encode(get()).into_bytes();
    let response = post(&edge, GET, "application/grpc-web-text", body).await;
    assert_eq!(response.status().as_u16(), 200);
    let frames = frames(&decoded(&response.bytes().await.unwrap()));
    assert_eq!(Booking::decode(&frames[0].1[..]).unwrap().id, VEHICLE);
    assert!(String::from_utf8_lossy(&frames[1].1).contains("grpc-status:0"));
}

#[tokio::test]
async fn a_large_text_body_survives_its_own_length() {
    let edge = Edge::start().await;
    // Long enough that the length of the base64 text and of the message differ by kilobytes.
    let request = CreateBookingRequest {
        guest_message: Some("x".repeat(20_000)),
        ..Default::default()
    };
    let response = post(
        &edge,
        CREATE,
        "application/grpc-web-text",
        STANDARD.encode(framed(&request)).into_bytes(),
    )
    .await;
    assert_eq!(
        header(&response, "grpc-status"),
        Some("3"),
        "refused by a rule, so it was read whole"
    );
}

#[tokio::test]
async fn a_server_stream_in_text() {
    let edge = Edge::start().await;
    let body = STANDARD
        .encode(framed(&SubscribeRequest { cursor: "4".into() }))
        .into_bytes();
    let mut response = post(&edge, SUBSCRIBE, "application/grpc-web-text", body).await;
    let mut cursors = Vec::new();
    while cursors.len() < 2 {
        let chunk = tokio::time::timeout(TIMEOUT, response.chunk())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let messages = frames(&decoded(&chunk))
            .into_iter()
            .filter(|(flag, _)| *flag == 0);
        cursors.extend(messages.map(|(_, bytes)| SubscribeResponse::decode(&bytes[..]).unwrap().cursor));
    }
    assert_eq!(cursors, ["5", "6"]);
}

/// Not by tonic's client: that would keep the deadline itself.
#[tokio::test]
async fn a_deadline_is_kept_and_handed_on() {
    let edge = Edge::start().await;
    let message = CreateBookingRequest {
        vehicle_id: VEHICLE.into(),
        start_datetime: Some(Timestamp {
            seconds: 1_795_400_000,
            nanos: 0,
        }),
        end_datetime: Some(Timestamp {
            seconds: 1_795_410_000,
            nanos: 0,
        }),
        guest_message: Some("hang".into()),
    };
    let request = edge
        .request("guest", Method::POST, CREATE)
        .header("content-type", "application/grpc-web");
    let response = request
        .header("grpc-timeout", "900m")
        .body(framed(&message))
        .send()
        .await
        .unwrap();
    assert_eq!(header(&response, "grpc-status"), Some("4"));
    assert!(header(&response, "grpc-status-details-bin").is_some());
    let given = edge
        .services
        .last()
        .get("grpc-timeout")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let given = carshare_chassis::deadline::parse_timeout(&given).unwrap();
    assert!(given < Duration::from_millis(900), "{given:?}");
}

#[tokio::test]
async fn refusals_tell_their_status_where_a_browser_can_read_it() {
    let edge =
        Edge::start_with(|config| config.service.cors.origins = vec!["https://app.carshare.kr".into()]).await;
    let request = edge
        .anonymous(Method::POST, GET)
        .header("content-type", "application/grpc-web+proto");
    let response = request
        .header("origin", "https://app.carshare.kr")
        .body(get())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, "grpc-status")),
        (200, Some("16"))
    );
    assert!(header(&response, "grpc-status-details-bin").is_some());
    let exposed = header(&response, "access-control-expose-headers").unwrap();
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        assert!(exposed.split(',').any(|exposed| exposed == name), "{exposed}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_base64_is_the_fault_of_its_sender() {
    let edge = Edge::start().await;
    for broken in ["!!!!", "AAA"] {
        let response = post(&edge, GET, "application/grpc-web-text", broken.into()).await;
        assert_eq!(header(&response, "grpc-status"), Some("3"), "{broken}");
    }
    assert_eq!(edge.services.calls(), 0);
}
