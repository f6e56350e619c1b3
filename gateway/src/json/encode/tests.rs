//! The JSON of messages of the contract, and its way back.

use std::collections::HashMap;

use carshare_proto::booking::v1::{Booking, BookingStatus, ListBookingsResponse};
use carshare_proto::notification::v1::Notification;
use carshare_proto::vehicle::v1::{FuelType, Vehicle};
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::ReflectMessage;
use prost_types::Timestamp;
use serde_json::{Value as Json, json};

use super::*;

mod differential;
pub(in crate::json) mod every_kind;
pub(in crate::json) mod reference;

fn text_of(message: &impl ReflectMessage) -> String {
    let json = MessageType::of(&message.descriptor()).to_json(&message.encode_to_vec());
    String::from_utf8(json.unwrap()).unwrap()
}

fn encoded(message: &impl ReflectMessage) -> Json {
    serde_json::from_str(&text_of(message)).unwrap()
}

#[test]
fn booking_has_the_fields_of_the_spec() {
    let booking = Booking {
        id: "b".into(),
        total_amount: 9_007_199_254_740_993,
        status: BookingStatus::Pending.into(),
        guest_message: Some(String::new()),
        start_datetime: Some(Timestamp {
            seconds: 1_795_395_600,
            nanos: 0,
        }),
        ..Default::default()
    };
    let expected = json!({
        "id": "b", "vehicle_id": "", "guest_id": "", "host_id": "",
        "start_datetime": "2026-11-23T01:00:00Z",
        "total_amount": 9_007_199_254_740_993_i64, "platform_fee": 0,
        "status": "pending", "guest_message": "",
        "price_lines": [], "vat_amount": 0, "pickup_photos": [], "return_photos": [],
    });
    assert_eq!(encoded(&booking), expected);
}

#[test]
fn empty_lists_and_maps_are_written() {
    assert_eq!(
        encoded(&ListBookingsResponse::default()),
        json!({ "bookings": [], "next_page_token": "" })
    );
    assert_eq!(encoded(&Notification::default())["data"], json!({}));
    assert_eq!(encoded(&Vehicle::default())["images"], json!([]));
}

#[test]
fn unset_enum_is_omitted_and_unknown_value_is_a_number() {
    assert_eq!(encoded(&Vehicle::default()).get("fuel_type"), None);
    let hybrid = Vehicle {
        fuel_type: FuelType::Hybrid.into(),
        ..Default::default()
    };
    assert_eq!(encoded(&hybrid)["fuel_type"], "hybrid");
    let newer = Vehicle {
        fuel_type: 99,
        ..Default::default()
    };
    assert_eq!(encoded(&newer)["fuel_type"], 99);
}

#[test]
fn fields_keep_the_order_of_the_contract_and_maps_are_sorted() {
    let data = ["z", "a", "m"].map(|key| (key.to_owned(), key.to_uppercase()));
    let notification = Notification {
        id: "n".into(),
        data: HashMap::from(data),
        ..Default::default()
    };
    assert_eq!(
        text_of(&notification),
        r#"{"id":"n","type":"","title":"","body":"","data":{"a":"A","m":"M","z":"Z"}}"#
    );
}

#[test]
fn non_finite_numbers_are_words() {
    let nowhere = Vehicle {
        location_lat: f64::NAN,
        location_lng: f64::NEG_INFINITY,
        ..Default::default()
    };
    let json = encoded(&nowhere);
    assert_eq!(
        (&json["location_lat"], &json["location_lng"]),
        (&json!("NaN"), &json!("-Infinity"))
    );
}

#[test]
fn field_is_written_alone() {
    let response = ListBookingsResponse {
        bookings: vec![Booking::default()],
        ..Default::default()
    };
    let message_type = MessageType::of(&response.descriptor());
    let field = message_type.field("bookings").unwrap();
    let bytes = response.encode_to_vec();
    let json = message_type.view(&bytes).unwrap().field_to_json(field).unwrap();
    let json: Json = serde_json::from_slice(&json).unwrap();
    assert_eq!(json.as_array().map(Vec::len), Some(1));
}

prop_compose! {
    fn any_vehicle()(
        id in ".{0,12}", year in any::<i32>(), rate in any::<i64>(), eighths in -720..720_i32, fuel in 0..5_i32,
        images in prop::collection::vec(".{0,8}", 0..3), color in prop::option::of(".{0,8}"),
        // RFC 3339 has the years 0001 to 9999.
        created in prop::option::of((-62_135_596_800_i64..253_402_300_800, 0..1_000_000_000_i32)),
    ) -> Vehicle {
        Vehicle {
            id, year, hourly_rate: rate, location_lat: f64::from(eighths) / 8.0, fuel_type: fuel, images, color,
            created_at: created.map(|(seconds, nanos)| Timestamp { seconds, nanos }),
            ..Default::default()
        }
    }
}

proptest! {
    #[test]
    fn encoded_message_is_decoded_unchanged(vehicle in any_vehicle()) {
        let mut back = Vec::new();
        let decoded = MessageType::of(&vehicle.descriptor()).decode(&encoded(&vehicle), &[], &mut back);
        prop_assert_eq!(decoded, Ok(()));
        prop_assert_eq!(Vehicle::decode(&back[..]).unwrap(), vehicle);
    }
}
