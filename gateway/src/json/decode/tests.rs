//! What is read, and what is refused, on messages of the contract.

use carshare_proto::DESCRIPTOR_POOL;
use serde_json::json;

use super::*;

fn message(name: &str) -> DynamicMessage {
    DynamicMessage::new(DESCRIPTOR_POOL.get_message_by_name(name).unwrap())
}

fn read_as(name: &str, json: &Json) -> Result<DynamicMessage, Vec<(String, String)>> {
    let mut message = message(name);
    match read(&mut message, json, &[]) {
        Ok(()) => Ok(message),
        Err(faults) => Err(faults.into_iter().map(|v| (v.field, v.rule)).collect()),
    }
}

fn field(message: &DynamicMessage, name: &str) -> Value {
    message.get_field_by_name(name).unwrap().into_owned()
}

#[test]
fn numbers_words_and_texts_are_read() {
    let json = json!({
        "license_plate": "12하3456", "year": 2024, "fuel_type": "electric", "hourly_rate": "15000", "color": null,
    });
    let vehicle = read_as("carshare.vehicle.v1.CreateVehicleRequest", &json).unwrap();
    assert_eq!(field(&vehicle, "license_plate"), Value::String("12하3456".into()));
    assert_eq!(field(&vehicle, "year"), Value::I32(2024));
    assert_eq!(field(&vehicle, "fuel_type"), Value::EnumNumber(3));
    assert_eq!(field(&vehicle, "hourly_rate"), Value::I64(15_000));
    assert!(!vehicle.has_field_by_name("color"));
}

#[test]
fn an_integer_may_be_written_in_every_way_json_has() {
    for written in [
        json!(3),
        json!(3.0),
        json!("3"),
        serde_json::from_str("3e0").unwrap(),
    ] {
        let read = read_as(
            "carshare.booking.v1.ListBookingsRequest",
            &json!({ "page_size": written }),
        )
        .unwrap();
        assert_eq!(field(&read, "page_size"), Value::I32(3), "{written}");
    }
}

#[test]
fn sixty_four_bits_are_exact() {
    let written = json!({ "hourly_rate": i64::MAX });
    let read = read_as("carshare.vehicle.v1.CreateVehicleRequest", &written).unwrap();
    assert_eq!(field(&read, "hourly_rate"), Value::I64(i64::MAX));
}

#[test]
fn times_and_structs_keep_protobufs_mapping() {
    let json = json!({ "start_datetime": "2026-11-23T10:00:00+09:00" });
    let booking = read_as("carshare.booking.v1.CreateBookingRequest", &json).unwrap();
    let start = field(&booking, "start_datetime");
    let seconds = start
        .as_message()
        .unwrap()
        .get_field_by_name("seconds")
        .unwrap()
        .into_owned();
    assert_eq!(seconds, Value::I64(1_795_395_600));

    let mut webhook = message("carshare.payment.v1.HandleWebhookRequest");
    let payload = webhook.descriptor().get_field_by_name("payload").unwrap();
    read_field(
        &mut webhook,
        &payload,
        &json!({ "eventType": "DONE", "data": { "n": 1 } }),
    )
    .unwrap();
    assert!(webhook.has_field(&payload));
}

#[test]
fn maps_and_nested_messages_are_read() {
    let json = json!({ "cursor": "7", "notification": { "id": "a", "data": { "booking_id": "b" } } });
    let response = read_as("carshare.notification.v1.SubscribeResponse", &json).unwrap();
    let notification = field(&response, "notification");
    let data = field(notification.as_message().unwrap(), "data");
    assert_eq!(
        data.as_map().unwrap()[&MapKey::String("booking_id".into())],
        Value::String("b".into())
    );
}

#[test]
fn every_fault_is_named_with_its_place() {
    let json = json!({
        "license_plate": 7, "year": "soon", "fuel_type": "FUEL_TYPE_ELECTRIC", "transmission": "unspecified",
        "hourly_rate": 1.5, "colour": "red",
    });
    let mut faults = read_as("carshare.vehicle.v1.CreateVehicleRequest", &json).unwrap_err();
    faults.sort();
    let expected = [
        ("colour", "UNKNOWN_FIELD"),
        ("fuel_type", "ENUM"),
        ("hourly_rate", "TYPE"),
        ("license_plate", "TYPE"),
        ("transmission", "ENUM"),
        ("year", "TYPE"),
    ];
    assert_eq!(
        faults,
        expected.map(|(field, rule)| (field.to_owned(), rule.to_owned()))
    );
}

#[test]
fn faults_below_name_the_whole_path() {
    let vehicle =
        json!({ "vehicle": { "images": ["a", 7], "owner": { "created_at": "yesterday", "x": 1 } } });
    let mut faults = read_as("carshare.booking.v1.Booking", &vehicle).unwrap_err();
    faults.sort();
    let fields: Vec<_> = faults.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        ["vehicle.images[1]", "vehicle.owner.created_at", "vehicle.owner.x"]
    );
    let map = json!({ "notification": { "data": { "k": 7 } } });
    let faults = read_as("carshare.notification.v1.SubscribeResponse", &map).unwrap_err();
    assert_eq!(faults[0].0, r#"notification.data["k"]"#);
}

#[test]
fn numbers_outside_the_type_are_out_of_range() {
    for written in [
        json!(2_147_483_648_i64),
        json!("-2147483649"),
        json!(1e300),
        json!(9_007_199_254_740_993.0),
    ] {
        let faults = read_as(
            "carshare.booking.v1.ListBookingsRequest",
            &json!({ "page_size": written }),
        )
        .unwrap_err();
        assert_eq!(
            faults,
            [("page_size".to_owned(), "RANGE".to_owned())],
            "{written}"
        );
    }
    for written in ["NaN", "Infinity", "inf"] {
        let faults = read_as(
            "carshare.vehicle.v1.SearchVehiclesRequest",
            &json!({ "lat": written }),
        )
        .unwrap_err();
        assert_eq!(faults, [("lat".to_owned(), "TYPE".to_owned())], "{written}");
    }
}

#[test]
fn two_members_of_a_choice_are_refused() {
    let both = json!({ "heartbeat": {}, "notification": {} });
    let faults = read_as("carshare.notification.v1.SubscribeResponse", &both).unwrap_err();
    assert_eq!(faults, [("notification".to_owned(), "ONEOF".to_owned())]);
}

#[test]
fn a_field_of_the_path_is_not_read_from_the_body() {
    let mut approve = message("carshare.booking.v1.ApproveBookingRequest");
    let faults = read(&mut approve, &json!({ "booking_id": "x" }), &["booking_id"]).unwrap_err();
    assert_eq!(
        (faults[0].field.as_str(), faults[0].rule.as_str()),
        ("booking_id", "GIVEN_BY_PATH")
    );
}

#[test]
fn what_is_no_object_is_refused_as_a_whole() {
    for json in [json!([]), json!("x"), json!(null)] {
        let faults = read_as("carshare.auth.v1.LoginRequest", &json).unwrap_err();
        assert_eq!(faults, [(String::new(), "TYPE".to_owned())]);
    }
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    // No message of the contract nests in itself; the descriptor of protobuf's own messages does.
    let mut json = json!({ "name": "leaf" });
    for _ in 0..40 {
        json = json!({ "child": json });
    }
    let pool = recursive_pool();
    let mut node = DynamicMessage::new(pool.get_message_by_name("test.Node").unwrap());
    let faults = read(&mut node, &json, &[]).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].rule, "DEPTH");
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
fn a_whole_number_that_a_double_may_have_rounded_is_not_guessed() {
    let read = |written: &str| {
        let json: serde_json::Value = serde_json::from_str(written).unwrap();
        read_as(
            "carshare.booking.v1.Booking",
            &serde_json::json!({ "total_amount": json }),
        )
    };
    for written in ["9007199254740993.0", "9007199254740992.0", "-1e16"] {
        assert_eq!(
            read(written),
            Err(vec![("total_amount".to_owned(), "RANGE".to_owned())]),
            "{written}"
        );
    }
    for (written, value) in [
        ("9007199254740993", 9_007_199_254_740_993_i64),
        ("5.2e4", 52_000),
        ("-0.0", 0),
    ] {
        let message = read(written).unwrap();
        let total = message.get_field_by_name("total_amount").unwrap().into_owned();
        assert_eq!(total, Value::I64(value), "{written}");
    }
}
