//! The reference: writes a dynamic message of prost-reflect as JSON, straight into the serializer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carshare_proto::enum_names;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, SerializeOptions, Value,
};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

/// Serializes a message.
pub struct Json<'a>(pub &'a DynamicMessage);

/// Serializes one field of a message, also when it is not set.
pub struct JsonField<'a> {
    pub message: &'a DynamicMessage,
    pub field: &'a FieldDescriptor,
}

/// A value with the kind of its field.
struct Typed<'a> {
    value: &'a Value,
    kind: &'a Kind,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let descriptor = self.0.descriptor();
        if crate::json::is_well_known(&descriptor) {
            let options = SerializeOptions::new().stringify_64_bit_integers(false);
            return self.0.serialize_with_options(serializer, &options);
        }
        let mut map = serializer.serialize_map(None)?;
        for field in descriptor
            .fields()
            .filter(|field| !crate::json::is_omitted_when_unset(field) || self.0.has_field(field))
        {
            map.serialize_entry(
                field.name(),
                &JsonField {
                    message: self.0,
                    field: &field,
                },
            )?;
        }
        map.end()
    }
}

impl Serialize for JsonField<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.message.get_field(self.field);
        Typed {
            value: &value,
            kind: &self.field.kind(),
        }
        .serialize(serializer)
    }
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::I64(value) => serializer.serialize_i64(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            Value::U64(value) => serializer.serialize_u64(*value),
            Value::F32(value) if value.is_finite() => serializer.serialize_f32(*value),
            Value::F64(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::F32(value) => serializer.serialize_str(not_finite(f64::from(*value))),
            Value::F64(value) => serializer.serialize_str(not_finite(*value)),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_str(&STANDARD.encode(value)),
            Value::EnumNumber(number) => enum_value(self.kind, *number, serializer),
            Value::Message(message) => Json(message).serialize(serializer),
            Value::List(values) => list(self.kind, values, serializer),
            Value::Map(entries) => map(self.kind, entries.iter(), serializer),
        }
    }
}

/// Returns the words of protobuf's own mapping.
fn not_finite(value: f64) -> &'static str {
    match (value.is_nan(), value.is_sign_positive()) {
        (true, _) => "NaN",
        (false, true) => "Infinity",
        (false, false) => "-Infinity",
    }
}

/// Writes the word of an enum value, or the number when this build's contract lacks it.
fn enum_value<S: Serializer>(kind: &Kind, number: i32, serializer: S) -> Result<S::Ok, S::Error> {
    let known = kind
        .as_enum()
        .and_then(|descriptor| Some((descriptor, descriptor.get_value(number)?)));
    match known {
        Some((descriptor, value)) => {
            serializer.serialize_str(&enum_names::short_name(descriptor, value.name()))
        }
        None => serializer.serialize_i32(number),
    }
}

fn list<S: Serializer>(kind: &Kind, values: &[Value], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        list.serialize_element(&Typed { value, kind })?;
    }
    list.end()
}

/// Writes a map sorted by key, so that equal messages have equal texts.
fn map<'a, S: Serializer>(
    kind: &Kind,
    entries: impl Iterator<Item = (&'a MapKey, &'a Value)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let kind = kind
        .as_message()
        .map_or(Kind::String, |entry| entry.map_entry_value_field().kind());
    let sorted: BTreeMap<String, &Value> = entries.map(|(key, value)| (key_text(key), value)).collect();
    let mut map = serializer.serialize_map(Some(sorted.len()))?;
    for (key, value) in sorted {
        map.serialize_entry(&key, &Typed { value, kind: &kind })?;
    }
    map.end()
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}
