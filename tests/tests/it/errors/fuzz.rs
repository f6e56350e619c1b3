//! Every RPC of the contract with unusual values in every field, one at a time: no response is an internal error or exposes
//! internals. The descriptor set lists the RPCs, so a new one is covered without a change.

use std::collections::{HashMap, HashSet};

use carshare_mesh::Mesh;
use carshare_proto::contract;
use carshare_proto::options::v1::Role;
use futures::{StreamExt as _, stream};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage as _, Value};
use tonic::{Code, Status};

use super::case::assert_no_internals;
use crate::harness::{GrpcClient, Guest, Host, Protocol, Rest, mesh, next_slot};

/// Codes of errors that the caller caused.
const REFUSALS: [Code; 8] = [
    Code::InvalidArgument,
    Code::Unauthenticated,
    Code::PermissionDenied,
    Code::NotFound,
    Code::AlreadyExists,
    Code::Aborted,
    Code::FailedPrecondition,
    Code::ResourceExhausted,
];

/// Valid values by field name, so that only one field is invalid. Other fields stay empty.
type Valid = HashMap<&'static str, Value>;

#[tokio::test(flavor = "multi_thread")]
async fn unusual_values_in_every_field_are_clean_errors() {
    let mesh = mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let valid = valid(&mesh, &host, &guest).await;
    let wire = GrpcClient::connect(&mesh, Protocol::Native).await;
    let mut calls = Vec::new();
    for method in contract::methods() {
        let Some(who) = caller(&method, &host.rest, &guest.rest) else {
            continue;
        };
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        for (field, unusual) in method.input().fields().flat_map(|field| unusual(&field)) {
            let mut message = request(&method, &valid);
            message.set_field(&field, unusual.clone());
            let what = format!("{path} {} = {unusual:?}", field.name());
            calls.push((path.clone(), who.token(), message.encode_to_vec(), what));
        }
    }
    let rpcs: HashSet<_> = calls.iter().map(|(path, ..)| path).collect();
    let (rpcs, calls_made) = (rpcs.len(), calls.len());
    let at_once = stream::iter(calls);
    at_once
        .for_each_concurrent(8, async |(path, token, message, what)| {
            assert_clean_error(&wire.call(&path, Some(token), message).await, &what);
        })
        .await;
    assert!(rpcs >= 25 && calls_made >= 500, "{rpcs} RPCs, {calls_made} calls");
    Rest::of(&mesh).get("/readyz").await.ok(200);
}

/// A caller that may call the RPC; none for internal RPCs and streams, which have tests of their own.
fn caller<'a>(method: &MethodDescriptor, host: &'a Rest, guest: &'a Rest) -> Option<&'a Rest> {
    let access = contract::access(method)?;
    if !access.internal.is_empty() || method.is_server_streaming() {
        return None;
    }
    let for_hosts = access.roles.contains(&Role::Host.into());
    Some(if for_hosts { host } else { guest })
}

fn assert_clean_error(response: &Result<Vec<u8>, Status>, what: &str) {
    if let Err(status) = response {
        assert!(REFUSALS.contains(&status.code()), "{what}: {status:?}");
        assert_no_internals(&format!(
            "{} {}",
            status.message(),
            String::from_utf8_lossy(status.details())
        ));
    }
}

/// A request with the usual value in every field that has one.
fn request(method: &MethodDescriptor, valid: &Valid) -> DynamicMessage {
    let mut message = DynamicMessage::new(method.input());
    for field in method.input().fields() {
        if let Some(value) = valid.get(field.name())
            && value.is_valid_for_field(&field)
        {
            message.set_field(&field, value.clone());
        }
    }
    message
}

async fn valid(mesh: &Mesh, host: &Host, guest: &Guest) -> Valid {
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.book(&car, slot).await.ok(201);
    let text = |value: &str| Value::String(value.to_owned());
    HashMap::from([
        ("vehicle_id", text(&car)),
        ("booking_id", text(booking["id"].as_str().expect("an id"))),
        ("image_id", text(&car)),
        ("notification_id", text(&car)),
        ("availability_id", text(&car)),
        ("email", text("strange@example.com")),
        ("password", text("correct horse 42")),
        ("name", text("박서준")),
        ("phone", text("010-2345-6789")),
        ("role", Value::EnumNumber(Role::Guest.into())),
        ("refresh_token", text("0123456789abcdef")),
        ("license_plate", text("12하3456")),
        ("make", text("Kia")),
        ("model", text("Ray")),
        ("year", Value::I32(2024)),
        ("hourly_rate", Value::I64(7_000)),
        ("location_address", text("서울 중구 세종대로 110")),
        ("content_type", text("image/png")),
        ("size_bytes", Value::I64(70)),
        ("start_time", text("09:00")),
        ("end_time", text("18:00")),
        ("specific_date", text("2030-01-01")),
        ("lat", Value::F64(37.5663)),
        ("lng", Value::F64(126.9778)),
        ("start_datetime", time(slot.end.timestamp(), 0)),
        ("end_datetime", time(slot.end.timestamp() + 7_200, 0)),
        ("auth_key", text("bln_nothing")),
        ("payment_key", text("tviva_nothing")),
        ("order_id", text("order-1")),
        ("amount", Value::I64(80_000)),
        ("token", text("phone")),
        ("platform", Value::EnumNumber(1)),
    ])
}

/// Unusual values for a field.
fn unusual(field: &FieldDescriptor) -> Vec<(FieldDescriptor, Value)> {
    let values = match field.kind() {
        Kind::String => texts().into_iter().map(Value::String).collect(),
        Kind::Int32 => [i32::MIN, -1, 0, 1, 7, 200, i32::MAX].map(Value::I32).to_vec(),
        Kind::Int64 => [i64::MIN, -1, 0, 1, 1_000_000, i64::MAX].map(Value::I64).to_vec(),
        Kind::Double => [
            f64::NAN,
            f64::INFINITY,
            f64::MIN,
            -0.0,
            f64::MIN_POSITIVE,
            33.0,
            38.7,
            124.5,
            132.0,
            100.0,
        ]
        .map(Value::F64)
        .to_vec(),
        Kind::Enum(_) => [-1, 0, 1, 2, 3, 99, i32::MAX].map(Value::EnumNumber).to_vec(),
        Kind::Bool => [true, false].map(Value::Bool).to_vec(),
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => times(),
        _ => Vec::new(),
    };
    values.into_iter().map(|value| (field.clone(), value)).collect()
}

fn texts() -> Vec<String> {
    let texts = [
        "",
        " ",
        "\0",
        "\n\r\t\u{7f}\u{1b}[31m",
        "'; DROP TABLE bookings; --",
        "%s%n{}${jndi:ldap://x}<script>",
        "../../../etc/passwd",
        "\u{202e}\u{200b}\u{feff}",
        "👩‍👩‍👧‍👦가각힣",
        "5b0e0000-0000-7000-8000-000000000001",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "{5B0E0000-0000-7000-8000-000000000001}",
        "urn:uuid:5b0e0000-0000-7000-8000-000000000001",
        "-1",
        "9999-12-31",
        "0000-01-01",
        "24:00",
        "a@b",
        "99하9999",
        "AAAAAAAAAAAAAAAAAAAAAA",
    ];
    let long = [20, 72, 100, 255, 512, 1_000, 70_000].map(|count| "가".repeat(count));
    texts.map(str::to_owned).into_iter().chain(long).collect()
}

fn times() -> Vec<Value> {
    let edges = [
        i64::MIN,
        -62_135_596_801,
        -62_135_596_800,
        -1,
        0,
        253_402_214_400,
        253_402_300_799,
        i64::MAX,
    ];
    let times = edges.into_iter().map(|seconds| time(seconds, 0));
    times
        .chain([time(0, -1), time(0, i32::MAX), time(1_893_456_000, 999_999_999)])
        .collect()
}

fn time(seconds: i64, nanos: i32) -> Value {
    Value::Message(prost_types::Timestamp { seconds, nanos }.transcode_to_dynamic())
}
