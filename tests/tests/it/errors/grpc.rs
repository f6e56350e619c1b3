//! gRPC requests that cannot be decoded, in each protocol: bytes, sizes, metadata.

use carshare_proto::booking::v1::{CreateBookingRequest, GetBookingRequest};
use carshare_proto::notification::v1::RegisterDeviceRequest;
use prost::Message as _;
use tonic::{Code, Status};

use super::case::assert_no_internals;
use crate::harness::{ErrorInfo, GrpcClient, Guest, Protocol, Rest, mesh, with_session};

const CREATE: &str = "/carshare.booking.v1.BookingService/CreateBooking";
const GET: &str = "/carshare.booking.v1.BookingService/GetBooking";
const ID: &str = "5b0e0000-0000-7000-8000-000000000001";

fn decode(status: &Status) -> (Code, String, Vec<(String, String)>) {
    assert_no_internals(&format!(
        "{} {}",
        status.message(),
        String::from_utf8_lossy(status.details())
    ));
    let info = ErrorInfo::from_status(status);
    let faults = info.fields.into_iter().map(|field| (field.name, field.rule));
    (status.code(), info.code, faults.collect())
}

/// Asserts a validation error with these violations in each protocol.
pub(super) async fn expect_error(
    wires: &[GrpcClient],
    who: &Rest,
    path: &str,
    message: Vec<u8>,
    expected: &[(&str, &str)],
) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(field, rule)| ((*field).to_owned(), (*rule).to_owned()))
        .collect();
    for wire in wires {
        let status = wire
            .call(path, Some(who.token()), message.clone())
            .await
            .expect_err("an error");
        let decoded = decode(&status);
        assert_eq!(
            decoded,
            (Code::InvalidArgument, "COMMON001".to_owned(), expected.clone()),
            "{path} {:?}",
            wire.form
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_messages_are_rejected() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let wires = GrpcClient::all(&mesh).await;
    let malformed = &[("", "MALFORMED")];
    // Arbitrary bytes; a length of 127 for one byte; a varint in a string field; a string that is not UTF-8.
    let bodies: [&[u8]; 4] = [
        &[0xff; 20],
        &[0x0a, 0x7f, b'x'],
        &[0x08, 0x01],
        &[0x0a, 0x02, 0xff, 0xfe],
    ];
    for body in bodies {
        expect_error(&wires, &guest, GET, body.to_vec(), malformed).await;
    }
    let deep = field(1, &(0..200).fold(Vec::new(), |inner, _| nest(&inner)));
    expect_error(
        &wires,
        &guest,
        "/carshare.payment.v1.PaymentService/HandleWebhook",
        deep,
        malformed,
    )
    .await;
    let unknown = RegisterDeviceRequest {
        token: "t".to_owned(),
        platform: 99,
    };
    let path = "/carshare.notification.v1.NotificationService/RegisterDevice";
    expect_error(
        &wires,
        &guest,
        path,
        unknown.encode_to_vec(),
        &[("platform", "ENUM_DEFINED_ONLY")],
    )
    .await;
}

/// A `google.protobuf.Struct` with this struct as its only value.
fn nest(inner: &[u8]) -> Vec<u8> {
    let (fields, value, struct_value) = (1, 2, 5);
    field(fields, &field(value, &field(struct_value, inner)))
}

/// An encoded field of a message type.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_and_metadata_are_limited() {
    let mesh = mesh().await;
    let guest = Guest::register(&mesh).await.rest;
    let token = Some(guest.token());
    let get = GetBookingRequest {
        booking_id: ID.to_owned(),
    };
    let get = get.encode_to_vec();
    let large = CreateBookingRequest {
        guest_message: Some("x".repeat(5 << 20)),
        ..Default::default()
    };
    let large = large.encode_to_vec();
    for wire in GrpcClient::all(&mesh).await {
        let status = wire
            .call(CREATE, token, large.clone())
            .await
            .expect_err("too large");
        let expected = (Code::ResourceExhausted, "COMMON009".to_owned(), vec![]);
        assert_eq!(decode(&status), expected, "{:?}", wire.form);
        for path in [
            "/carshare.nowhere.v1.Service/Get",
            "/x/y",
            "/carshare.booking.v1.BookingService/getBooking",
        ] {
            let status = wire.call(path, token, get.clone()).await.expect_err("unknown");
            let expected = (Code::Unimplemented, "COMMON012".to_owned(), vec![]);
            assert_eq!(decode(&status), expected, "{path} {:?}", wire.form);
        }
        let status = with(&wire, &guest, &get, "idempotency-key", "two words").await;
        let at_fault = vec![("idempotency-key".to_owned(), String::new())];
        let expected = (Code::InvalidArgument, "COMMON001".to_owned(), at_fault);
        assert_eq!(decode(&status), expected, "{:?}", wire.form);
        let status = with(&wire, &guest, &get, "grpc-timeout", "1n").await;
        // Over native gRPC the client's own deadline may end the call first, without error details.
        if wire.form != Protocol::Native {
            let expected = (Code::DeadlineExceeded, "COMMON006".to_owned(), vec![]);
            assert_eq!(decode(&status), expected, "{:?}", wire.form);
        }
    }
}

/// The error of a call with this metadata entry.
async fn with(
    wire: &GrpcClient,
    who: &Rest,
    message: &[u8],
    name: &'static str,
    value: &'static str,
) -> Status {
    let mut request = with_session(who, message.to_vec());
    request.metadata_mut().insert(name, value.parse().expect("ASCII"));
    wire.send(GET, request).await.expect_err("an error")
}
