//! gRPC-web and gRPC-web-text, framed by hand as browsers do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carshare_chassis::deadline;
use carshare_proto::booking::v1::{Booking, CreateBookingRequest, GetBookingRequest};
use carshare_proto::notification::v1::{SubscribeRequest, SubscribeResponse};
use prost::Message;
use reqwest::{Method, RequestBuilder, Response};
use tokio::time::timeout;

use crate::harness::{Harness, ORIGIN, TIMEOUT, VEHICLE, booking, header, send};

const GET: &str = "/carshare.booking.v1.BookingService/GetBooking";
const CREATE: &str = "/carshare.booking.v1.BookingService/CreateBooking";
const SUBSCRIBE: &str = "/carshare.notification.v1.NotificationService/Subscribe";

/// Returns a message after its flag and length.
fn frame(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &bytes].concat()
}

/// Returns flag and content of the frames of a body.
fn frames(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while body.len() >= 5 {
        let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
        frames.push((body[0], body[5..5 + length].to_vec()));
        body = &body[5 + length..];
    }
    frames
}

/// Decodes base64 whose chunks were encoded one by one, so that padding may be in the middle.
fn decode(text: &[u8]) -> Vec<u8> {
    text.chunks(4)
        .flat_map(|four| STANDARD.decode(four).expect("base64"))
        .collect()
}

fn request(gateway: &Harness, path: &str, content_type: &str, body: Vec<u8>) -> RequestBuilder {
    gateway
        .request("guest", Method::POST, path)
        .header("content-type", content_type)
        .header("accept", content_type)
        .header("x-grpc-web", "1")
        .body(body)
}

async fn post(gateway: &Harness, path: &str, content_type: &str, body: Vec<u8>) -> Response {
    send(request(gateway, path, content_type, body)).await
}

fn get_booking() -> Vec<u8> {
    frame(&GetBookingRequest {
        booking_id: VEHICLE.into(),
    })
}

#[tokio::test]
async fn unary_call_in_binary() {
    let gateway = Harness::start().await;
    let response = post(&gateway, GET, "application/grpc-web+proto", get_booking()).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "content-type")),
        (200, Some("application/grpc-web+proto"))
    );
    let frames = frames(&response.bytes().await.unwrap());
    assert_eq!(Booking::decode(&frames[0].1[..]).unwrap().id, VEHICLE);
    assert_eq!(frames[1].0, 0x80);
    let trailers = String::from_utf8_lossy(&frames[1].1);
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn unary_call_in_text() {
    let gateway = Harness::start().await;
    let body = STANDARD.encode(get_booking()).into_bytes();
    let response = post(&gateway, GET, "application/grpc-web-text", body).await;
    assert_eq!(response.status().as_u16(), 200);
    let frames = frames(&decode(&response.bytes().await.unwrap()));
    assert_eq!(Booking::decode(&frames[0].1[..]).unwrap().id, VEHICLE);
    assert!(String::from_utf8_lossy(&frames[1].1).contains("grpc-status:0"));
}

#[tokio::test]
async fn large_text_body_is_read_whole() {
    let gateway = Harness::start().await;
    // The length of the base64 text and that of the message differ by kilobytes.
    let large = CreateBookingRequest {
        guest_message: Some("x".repeat(20_000)),
        ..Default::default()
    };
    let body = STANDARD.encode(frame(&large)).into_bytes();
    let response = post(&gateway, CREATE, "application/grpc-web-text", body).await;
    // A rule refuses the message, so it was decoded.
    assert_eq!(header(&response, "grpc-status"), Some("3"));
}

#[tokio::test]
async fn server_stream_in_text() {
    let gateway = Harness::start().await;
    let subscribe = frame(&SubscribeRequest { cursor: "4".into() });
    let body = STANDARD.encode(subscribe).into_bytes();
    let mut response = post(&gateway, SUBSCRIBE, "application/grpc-web-text", body).await;
    let mut cursors = Vec::new();
    while cursors.len() < 2 {
        let chunk = timeout(TIMEOUT, response.chunk()).await.unwrap().unwrap();
        for (flag, bytes) in frames(&decode(&chunk.unwrap())) {
            assert_eq!(flag, 0);
            cursors.push(SubscribeResponse::decode(&bytes[..]).unwrap().cursor);
        }
    }
    assert_eq!(cursors, ["5", "6"]);
}

/// tonic's client would enforce the deadline itself.
#[tokio::test]
async fn deadline_is_enforced_and_passed_on() {
    let gateway = Harness::start().await;
    let request = request(&gateway, CREATE, "application/grpc-web", frame(&booking("hang")));
    let response = send(request.header("grpc-timeout", "900m")).await;
    assert_eq!(header(&response, "grpc-status"), Some("4"));
    assert!(header(&response, "grpc-status-details-bin").is_some());
    let seen = gateway.services.last();
    let passed_on = deadline::parse_timeout(seen.get("grpc-timeout").unwrap().to_str().unwrap());
    assert!(passed_on.unwrap() < Duration::from_millis(900), "{passed_on:?}");
}

#[tokio::test]
async fn browser_may_read_the_status_of_an_error() {
    let gateway = Harness::start_with(|config| config.service.cors.origins = vec![ORIGIN.into()]).await;
    let request = gateway
        .anonymous(Method::POST, GET)
        .header("content-type", "application/grpc-web+proto")
        .header("origin", ORIGIN);
    let response = send(request.body(get_booking())).await;
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
async fn malformed_base64_is_an_invalid_argument() {
    let gateway = Harness::start().await;
    for malformed in ["!!!!", "AAA"] {
        let response = post(&gateway, GET, "application/grpc-web-text", malformed.into()).await;
        assert_eq!(header(&response, "grpc-status"), Some("3"), "{malformed}");
    }
    assert_eq!(gateway.services.calls(), 0);
}
