//! Writes well-known types from their JSON, as protobuf's mapping says.

use prost::Message as _;
use prost_types::value::Kind as ValueKind;
use prost_types::{Duration, FieldMask, ListValue, Struct, Timestamp, Value};
use serde_json::{Map, Value as Json};

use super::{block, bytes, text};
use crate::json::encode::well_known::{DURATION_SECONDS, TIMESTAMP_SECONDS};
use crate::json::schema::{Field, Label, Schema, Shape};
use crate::json::{DecodeError, Expected};

pub(super) fn from_json(
    schema: &Schema,
    field: &Field,
    index: usize,
    json: &Json,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let inner = &schema.messages[index];
    let encoded = match (inner.shape, &inner.fields[..]) {
        (Shape::Timestamp, _) => timestamp(json)?.encode_to_vec(),
        (Shape::Duration, _) => duration(json)?.encode_to_vec(),
        (Shape::FieldMask, _) => field_mask(json)?.encode_to_vec(),
        (Shape::Any, _) => value(json).encode_to_vec(),
        (Shape::Transparent, [single]) if single.label == Label::Single => {
            let written = block(out, field.number, |out| {
                super::from_json(schema, single, json, out)
            });
            return written.map_err(|_| DecodeError::Type(Expected::WellFormed));
        }
        (Shape::Transparent, [fields]) if fields.label == Label::Map => match json {
            Json::Object(object) => structure(object).encode_to_vec(),
            _ => return Err(DecodeError::Type(Expected::Object)),
        },
        (Shape::Empty, _) => match json {
            Json::Object(object) if object.is_empty() => Vec::new(),
            _ => return Err(DecodeError::Type(Expected::WellFormed)),
        },
        (Shape::Transparent | Shape::Object, _) => match json {
            Json::Array(elements) => list(elements).encode_to_vec(),
            _ => return Err(DecodeError::Type(Expected::Array)),
        },
    };
    bytes(out, field, &encoded);
    Ok(())
}

fn timestamp(json: &Json) -> Result<Timestamp, DecodeError> {
    let error = DecodeError::Type(Expected::Time);
    let parsed = text(json, Expected::Time)?.parse::<Timestamp>().ok();
    parsed
        .filter(|time| TIMESTAMP_SECONDS.contains(&time.seconds))
        .ok_or(error)
}

fn duration(json: &Json) -> Result<Duration, DecodeError> {
    let error = DecodeError::Type(Expected::Duration);
    let parsed = text(json, Expected::Duration)?.parse::<Duration>().ok();
    parsed
        .filter(|duration| DURATION_SECONDS.contains(&duration.seconds))
        .ok_or(error)
}

fn field_mask(json: &Json) -> Result<FieldMask, DecodeError> {
    let paths = text(json, Expected::WellFormed)?.split(',');
    let paths = paths.filter(|path| !path.is_empty()).map(snake_case);
    let paths: Option<Vec<String>> = paths.collect();
    Ok(FieldMask {
        paths: paths.ok_or(DecodeError::Type(Expected::WellFormed))?,
    })
}

/// Returns a path in lowerCamelCase as the contract spells it; `None` when it has an underscore.
fn snake_case(path: &str) -> Option<String> {
    let mut snake = String::with_capacity(path.len() + 4);
    for letter in path.chars() {
        match letter {
            '_' => return None,
            'A'..='Z' => snake.extend(['_', letter.to_ascii_lowercase()]),
            _ => snake.push(letter),
        }
    }
    Some(snake)
}

fn value(json: &Json) -> Value {
    let kind = match json {
        Json::Null => ValueKind::NullValue(0),
        Json::Bool(value) => ValueKind::BoolValue(*value),
        // A number of JSON is finite and has a double.
        Json::Number(number) => ValueKind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => ValueKind::StringValue(text.clone()),
        Json::Array(elements) => ValueKind::ListValue(list(elements)),
        Json::Object(object) => ValueKind::StructValue(structure(object)),
    };
    Value { kind: Some(kind) }
}

fn structure(object: &Map<String, Json>) -> Struct {
    let fields = object.iter().map(|(key, json)| (key.clone(), value(json)));
    Struct {
        fields: fields.collect(),
    }
}

fn list(elements: &[Json]) -> ListValue {
    ListValue {
        values: elements.iter().map(value).collect(),
    }
}
