//! Single values of the reference.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use carshare_proto::enum_names;
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MessageDescriptor, Value};
use serde_json::Value as Json;

use crate::json::{DecodeError, Expected};

/// Decodes a scalar, enum or well-known type.
pub(super) fn from_json(kind: &Kind, json: &Json) -> Result<Value, DecodeError> {
    match kind {
        Kind::Bool => json
            .as_bool()
            .map(Value::Bool)
            .ok_or(DecodeError::Type(Expected::Boolean)),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => integer(json).map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => integer(json).map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => integer(json).map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => integer(json).map(Value::U64),
        Kind::Float => single_precision(json).map(Value::F32),
        Kind::Double => number(json).map(Value::F64),
        Kind::String => text(json, Expected::Text).map(|text| Value::String(text.to_owned())),
        Kind::Bytes => text(json, Expected::Base64).and_then(bytes).map(Value::Bytes),
        Kind::Enum(descriptor) => enum_number(descriptor, json).map(Value::EnumNumber),
        Kind::Message(descriptor) => well_known(descriptor, json).map(Value::Message),
    }
}

/// Decodes the text of a path variable, a query parameter or the key of a map.
pub(super) fn from_text(kind: &Kind, text: &str) -> Result<Value, DecodeError> {
    let json = match kind {
        Kind::Bool => match text {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => return Err(DecodeError::Type(Expected::Boolean)),
        },
        // An unescaped plus in a query is a space, which no time contains.
        Kind::Message(descriptor) if expected(descriptor) == Expected::Time => {
            Json::String(text.replace(' ', "+"))
        }
        Kind::Message(descriptor) if is_structure(descriptor) => return Err(DecodeError::UnknownField),
        _ => Json::String(text.to_owned()),
    };
    from_json(kind, &json)
}

/// 2^53. From here on a double may be the rounded value of another number in the text.
const EXACT_LIMIT: f64 = 9_007_199_254_740_992.0;

/// Decodes an integer. `3`, `3.0`, `3e0` and `"3"` are the same.
fn integer<T: TryFrom<i128>>(json: &Json) -> Result<T, DecodeError> {
    let widen = |float: f64| {
        if float.abs() < EXACT_LIMIT {
            float as i128
        } else {
            i128::MAX
        }
    };
    let wide_or_none = match json {
        Json::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).map(widen)),
        Json::String(digits) => digits.parse().ok(),
        _ => None,
    };
    let wide = wide_or_none.ok_or(DecodeError::Type(Expected::Integer))?;
    T::try_from(wide).map_err(|_| DecodeError::OutOfRange)
}

/// Decodes a finite number.
fn number(json: &Json) -> Result<f64, DecodeError> {
    let number = match json {
        Json::Number(number) => number.as_f64(),
        Json::String(digits) => digits.parse().ok(),
        _ => None,
    };
    number
        .filter(|n: &f64| n.is_finite())
        .ok_or(DecodeError::Type(Expected::Number))
}

fn single_precision(json: &Json) -> Result<f32, DecodeError> {
    let narrow = number(json)? as f32;
    if narrow.is_finite() {
        Ok(narrow)
    } else {
        Err(DecodeError::OutOfRange)
    }
}

fn text(json: &Json, expected: Expected) -> Result<&str, DecodeError> {
    json.as_str().ok_or(DecodeError::Type(expected))
}

fn bytes(text: &str) -> Result<Bytes, DecodeError> {
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    decoded
        .map(Bytes::from)
        .map_err(|_| DecodeError::Type(Expected::Base64))
}

fn enum_number(descriptor: &EnumDescriptor, json: &Json) -> Result<i32, DecodeError> {
    let number = json
        .as_str()
        .and_then(|word| enum_names::number(descriptor, word));
    number
        .filter(|number| *number != 0)
        .ok_or_else(|| DecodeError::EnumWord(descriptor.clone()))
}

fn well_known(descriptor: &MessageDescriptor, json: &Json) -> Result<DynamicMessage, DecodeError> {
    DynamicMessage::deserialize(descriptor.clone(), json).map_err(|_| DecodeError::Type(expected(descriptor)))
}

fn expected(descriptor: &MessageDescriptor) -> Expected {
    match descriptor.name() {
        "Timestamp" => Expected::Time,
        "Duration" => Expected::Duration,
        "Struct" => Expected::Object,
        "ListValue" => Expected::Array,
        _ => Expected::WellFormed,
    }
}

/// Returns whether the message has no form as a single text.
fn is_structure(descriptor: &MessageDescriptor) -> bool {
    !crate::json::is_well_known(descriptor)
        || matches!(
            descriptor.name(),
            "Struct" | "ListValue" | "Value" | "Any" | "Empty"
        )
}
