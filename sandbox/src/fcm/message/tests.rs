//! Tests of the rules of a message.

use axum::response::IntoResponse as _;
use serde_json::json;

use super::*;

fn refused(message: Value) -> Error {
    check(&message).unwrap_err()
}

#[test]
fn message_with_every_field_is_valid() {
    let message = json!({
        "token": "device-1",
        "notification": { "title": "예약 승인", "body": "호스트가 예약을 승인했습니다." },
        "data": { "type": "booking_approved" },
        "android": { "priority": "HIGH", "ttl": "3600s" },
        "apns": { "headers": { "apns-priority": "10" }, "payload": { "aps": { "sound": "default" } } },
    });
    let passed = check(&message).unwrap();
    assert_eq!((passed.target, passed.address.as_str()), ("token", "device-1"));
}

#[test]
fn message_without_exactly_one_target_is_rejected() {
    assert_eq!(
        refused(json!({})),
        Error::invalid("Recipient of the message is not set.")
    );
    assert_eq!(
        refused(json!({ "token": "" })),
        Error::invalid("Recipient of the message is not set.")
    );
    let two = refused(json!({ "token": "a", "topic": "b" }));
    let text = "Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set 'topic'";
    assert_eq!(two, Error::malformed("message", text));
    assert_eq!(refused(json!({ "token": "with space" })), Error::invalid_token());
}

#[test]
fn message_data_with_reserved_names_or_other_types_is_rejected() {
    let number = refused(json!({ "token": "a", "data": { "n": 1 } }));
    assert_eq!(
        number,
        Error::malformed(
            "message.data[0].value",
            "Invalid value at 'message.data[0].value' (TYPE_STRING), 1"
        )
    );
    for key in ["from", "message_type", "google.x", "gcm.y"] {
        let mut message = json!({ "token": "a", "data": {} });
        message["data"][key] = json!("v");
        assert_eq!(
            refused(message),
            Error::invalid(&format!("Invalid data payload key: {key}"))
        );
    }
}

#[test]
fn message_with_unknown_fields_or_invalid_values_is_rejected() {
    let unknown = refused(json!({ "token": "a", "titel": "x" }));
    let text = "Invalid JSON payload received. Unknown name \"titel\" at 'message': Cannot find field.";
    assert_eq!(unknown, Error::malformed("message", text));
    assert_eq!(
        refused(json!({ "token": "a", "android": { "priority": "high" } }))
            .into_response()
            .status(),
        400
    );
    assert_eq!(
        refused(json!({ "token": "a", "android": { "ttl": "2419201s" } }))
            .into_response()
            .status(),
        400
    );
    assert_eq!(
        refused(json!({ "token": "a", "android": { "ttl": "soon" } }))
            .into_response()
            .status(),
        400
    );
}

#[test]
fn payload_over_4096_bytes_is_rejected() {
    let message = |bytes: usize| json!({ "token": "a", "data": { "k": "x".repeat(bytes - 1) } });
    assert!(check(&message(4096)).is_ok());
    assert_eq!(refused(message(4097)), Error::too_big());
}
