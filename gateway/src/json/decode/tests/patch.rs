//! Null in merge patches.

use prost_reflect::Value;
use serde_json::json;

use super::{descriptor, field, written};

#[test]
fn null_in_a_patch_writes_the_empty_value() {
    let json =
        json!({ "color": null, "year": null, "fuel_type": null, "hourly_rate": 12_000, "description": "" });
    let update = descriptor("carshare.vehicle.v1.UpdateVehicleRequest");
    let patch = written(&update, |message, out| message.decode_patch(&json, &[], out)).unwrap();
    for (name, expected) in [
        ("color", Value::String(String::new())),
        ("year", Value::I32(0)),
        ("fuel_type", Value::EnumNumber(0)),
        ("hourly_rate", Value::I64(12_000)),
        ("description", Value::String(String::new())),
    ] {
        assert!(patch.has_field_by_name(name), "{name}");
        assert_eq!(field(&patch, name), expected, "{name}");
    }
    assert!(!patch.has_field_by_name("make"));
}

#[test]
fn null_in_a_patch_is_refused_where_no_value_is_empty() {
    let json = json!({ "vehicle": null, "created_at": null, "distance_m": null });
    let booking = descriptor("carshare.booking.v1.Booking");
    let mut violations = written(&booking, |message, out| message.decode_patch(&json, &[], out)).unwrap_err();
    violations.sort();
    let expected = [
        ("created_at", "NOT_CLEARABLE"),
        ("distance_m", "UNKNOWN_FIELD"),
        ("vehicle", "NOT_CLEARABLE"),
    ];
    assert_eq!(
        violations,
        expected.map(|(field, rule)| (field.to_owned(), rule.to_owned()))
    );
    let car = descriptor("carshare.vehicle.v1.Vehicle");
    let list = json!({ "images": null, "location_lat": null });
    let refused = written(&car, |message, out| message.decode_patch(&list, &[], out)).unwrap_err();
    assert_eq!(refused, [("images".to_owned(), "NOT_CLEARABLE".to_owned())]);
}
