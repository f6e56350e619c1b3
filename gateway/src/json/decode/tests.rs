//! JSON of messages of the contract, valid and invalid.

use carshare_proto::DESCRIPTOR_POOL;
use prost_reflect::{DynamicMessage, MapKey, MessageDescriptor, Value};
use serde_json::json;

use super::*;

mod differential;
mod patch;
mod reference;

fn descriptor(name: &str) -> MessageDescriptor {
    DESCRIPTOR_POOL.get_message_by_name(name).unwrap()
}

/// Returns the message with what `write` appends to nothing.
fn written(
    descriptor: &MessageDescriptor,
    write: impl FnOnce(&MessageType, &mut Vec<u8>) -> Result<(), Vec<Violation>>,
) -> Result<DynamicMessage, Vec<(String, String)>> {
    let mut bytes = Vec::new();
    match write(&MessageType::of(descriptor), &mut bytes) {
        Ok(()) => Ok(DynamicMessage::decode(descriptor.clone(), &bytes[..]).unwrap()),
        Err(violations) => Err(violations.into_iter().map(|v| (v.field, v.rule)).collect()),
    }
}

fn decode_as(name: &str, json: &Json) -> Result<DynamicMessage, Vec<(String, String)>> {
    written(&descriptor(name), |message, out| message.decode(json, &[], out))
}

fn field(message: &DynamicMessage, name: &str) -> Value {
    message.get_field_by_name(name).unwrap().into_owned()
}

#[test]
fn numbers_enums_and_texts_are_decoded() {
    let json = json!({
        "license_plate": "12하3456", "year": 2024, "fuel_type": "electric", "hourly_rate": "15000", "color": null,
    });
    let vehicle = decode_as("carshare.vehicle.v1.CreateVehicleRequest", &json).unwrap();
    assert_eq!(field(&vehicle, "license_plate"), Value::String("12하3456".into()));
    assert_eq!(field(&vehicle, "year"), Value::I32(2024));
    assert_eq!(field(&vehicle, "fuel_type"), Value::EnumNumber(3));
    assert_eq!(field(&vehicle, "hourly_rate"), Value::I64(15_000));
    assert!(!vehicle.has_field_by_name("color"));
}

#[test]
fn integer_is_decoded_from_every_json_number_form() {
    for written in [
        json!(3),
        json!(3.0),
        json!("3"),
        serde_json::from_str("3e0").unwrap(),
    ] {
        let decoded = decode_as(
            "carshare.booking.v1.ListBookingsRequest",
            &json!({ "page_size": written }),
        )
        .unwrap();
        assert_eq!(field(&decoded, "page_size"), Value::I32(3), "{written}");
    }
}

#[test]
fn sixty_four_bit_integers_are_exact() {
    let written = json!({ "hourly_rate": i64::MAX });
    let decoded = decode_as("carshare.vehicle.v1.CreateVehicleRequest", &written).unwrap();
    assert_eq!(field(&decoded, "hourly_rate"), Value::I64(i64::MAX));
}

#[test]
fn times_and_structs_keep_protobufs_mapping() {
    let json = json!({ "start_datetime": "2026-11-23T10:00:00+09:00" });
    let booking = decode_as("carshare.booking.v1.CreateBookingRequest", &json).unwrap();
    let start = field(&booking, "start_datetime");
    let seconds = start
        .as_message()
        .unwrap()
        .get_field_by_name("seconds")
        .unwrap()
        .into_owned();
    assert_eq!(seconds, Value::I64(1_795_395_600));

    let webhook = written(
        &descriptor("carshare.payment.v1.HandleWebhookRequest"),
        |message, out| {
            let json = json!({ "eventType": "DONE", "data": { "n": 1 } });
            message.decode_field(message.field("payload").unwrap(), &json, out)
        },
    )
    .unwrap();
    assert!(webhook.has_field_by_name("payload"));
}

#[test]
fn maps_and_nested_messages_are_decoded() {
    let json = json!({ "cursor": "7", "notification": { "id": "a", "data": { "booking_id": "b" } } });
    let response = decode_as("carshare.notification.v1.SubscribeResponse", &json).unwrap();
    let notification = field(&response, "notification");
    let data = field(notification.as_message().unwrap(), "data");
    assert_eq!(
        data.as_map().unwrap()[&MapKey::String("booking_id".into())],
        Value::String("b".into())
    );
}

#[test]
fn every_violation_is_returned_with_its_field() {
    let json = json!({
        "license_plate": 7, "year": "soon", "fuel_type": "FUEL_TYPE_ELECTRIC", "transmission": "unspecified",
        "hourly_rate": 1.5, "colour": "red",
    });
    let mut violations = decode_as("carshare.vehicle.v1.CreateVehicleRequest", &json).unwrap_err();
    violations.sort();
    let expected = [
        ("colour", "UNKNOWN_FIELD"),
        ("fuel_type", "ENUM"),
        ("hourly_rate", "TYPE"),
        ("license_plate", "TYPE"),
        ("transmission", "ENUM"),
        ("year", "TYPE"),
    ];
    assert_eq!(
        violations,
        expected.map(|(field, rule)| (field.to_owned(), rule.to_owned()))
    );
}

#[test]
fn violation_in_a_nested_message_has_the_whole_path() {
    let vehicle =
        json!({ "vehicle": { "images": ["a", 7], "owner": { "created_at": "yesterday", "x": 1 } } });
    let mut violations = decode_as("carshare.booking.v1.Booking", &vehicle).unwrap_err();
    violations.sort();
    let fields: Vec<_> = violations.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        ["vehicle.images[1]", "vehicle.owner.created_at", "vehicle.owner.x"]
    );
    let map = json!({ "notification": { "data": { "k": 7 } } });
    let violations = decode_as("carshare.notification.v1.SubscribeResponse", &map).unwrap_err();
    assert_eq!(violations[0].0, r#"notification.data["k"]"#);
}

#[test]
fn numbers_outside_the_type_are_out_of_range() {
    for written in [
        json!(2_147_483_648_i64),
        json!("-2147483649"),
        json!(1e300),
        json!(9_007_199_254_740_993.0),
    ] {
        let violations = decode_as(
            "carshare.booking.v1.ListBookingsRequest",
            &json!({ "page_size": written }),
        )
        .unwrap_err();
        assert_eq!(
            violations,
            [("page_size".to_owned(), "RANGE".to_owned())],
            "{written}"
        );
    }
    for written in ["NaN", "Infinity", "inf"] {
        let violations = decode_as(
            "carshare.vehicle.v1.SearchVehiclesRequest",
            &json!({ "lat": written }),
        )
        .unwrap_err();
        assert_eq!(violations, [("lat".to_owned(), "TYPE".to_owned())], "{written}");
    }
}

#[test]
fn two_members_of_a_oneof_are_refused() {
    let both = json!({ "heartbeat": {}, "notification": {} });
    let violations = decode_as("carshare.notification.v1.SubscribeResponse", &both).unwrap_err();
    assert_eq!(violations, [("notification".to_owned(), "ONEOF".to_owned())]);
}

#[test]
fn field_of_the_path_is_refused_in_the_body() {
    let approve = descriptor("carshare.booking.v1.ApproveBookingRequest");
    let refused = written(&approve, |message, out| {
        message.decode(&json!({ "booking_id": "x" }), &["booking_id".to_owned()], out)
    });
    assert_eq!(
        refused.unwrap_err(),
        [("booking_id".to_owned(), "GIVEN_BY_PATH".to_owned())]
    );
}

#[test]
fn value_that_is_not_an_object_is_refused() {
    for json in [json!([]), json!("x"), json!(null)] {
        let violations = decode_as("carshare.auth.v1.LoginRequest", &json).unwrap_err();
        assert_eq!(violations, [(String::new(), "TYPE".to_owned())]);
    }
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    // No message of the contract contains itself.
    let mut json = json!({ "name": "leaf" });
    for _ in 0..40 {
        json = json!({ "child": json });
    }
    let pool = recursive_pool();
    let node = pool.get_message_by_name("test.Node").unwrap();
    let violations = written(&node, |message, out| message.decode(&json, &[], out)).unwrap_err();
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].1, "DEPTH");
}

/// `message Node { Node child = 1; string name = 2; }`
fn recursive_pool() -> prost_reflect::DescriptorPool {
    use prost_types::field_descriptor_proto::{Label, Type};
    use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};
    let field = |name: &str, number, kind: Type| FieldDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        type_name: (kind == Type::Message).then(|| ".test.Node".into()),
        ..Default::default()
    };
    let node = DescriptorProto {
        name: Some("Node".into()),
        field: vec![field("child", 1, Type::Message), field("name", 2, Type::String)],
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("node.proto".into()),
        package: Some("test".into()),
        syntax: Some("proto3".into()),
        message_type: vec![node],
        ..Default::default()
    };
    let mut pool = prost_reflect::DescriptorPool::new();
    pool.add_file_descriptor_proto(file).unwrap();
    pool
}

#[test]
fn integer_that_a_double_may_have_rounded_is_out_of_range() {
    let decode = |written: &str| {
        let json: serde_json::Value = serde_json::from_str(written).unwrap();
        decode_as(
            "carshare.booking.v1.Booking",
            &serde_json::json!({ "total_amount": json }),
        )
    };
    for written in ["9007199254740993.0", "9007199254740992.0", "-1e16"] {
        assert_eq!(
            decode(written),
            Err(vec![("total_amount".to_owned(), "RANGE".to_owned())]),
            "{written}"
        );
    }
    for (written, value) in [
        ("9007199254740993", 9_007_199_254_740_993_i64),
        ("5.2e4", 52_000),
        ("-0.0", 0),
    ] {
        let message = decode(written).unwrap();
        let total = message.get_field_by_name("total_amount").unwrap().into_owned();
        assert_eq!(total, Value::I64(value), "{written}");
    }
}

#[test]
fn violations_of_a_body_are_bounded() {
    let unknown = (0..200).map(|n| (format!("k{n}"), json!(1)));
    let object = Json::Object(unknown.collect());
    let violations = decode_as("carshare.auth.v1.LoginRequest", &object).unwrap_err();
    assert_eq!(violations.len(), MAX_VIOLATIONS);
}
