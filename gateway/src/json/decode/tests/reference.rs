//! The reference: reads JSON into a dynamic message of prost-reflect.

mod scalar;

use carshare_chassis::error::Violation;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value,
};
use serde_json::{Map, Value as Json};

use crate::json::field_path::FieldPath;
use crate::json::{DecodeError, Expected, MAX_DEPTH};

/// Sets the fields of `message` from an object, which may not contain `path_variables`.
///
/// # Errors
/// Every invalid field. The message is then incomplete.
pub fn decode(
    message: &mut DynamicMessage,
    json: &Json,
    path_variables: &[String],
) -> Result<(), Vec<Violation>> {
    let mut decoder = Decoder::default();
    match json {
        Json::Object(object) => {
            for name in path_variables.iter().filter(|name| object.contains_key(*name)) {
                decoder.refuse(
                    &FieldPath::Field(&FieldPath::Root, name),
                    &DecodeError::GivenByPath,
                );
            }
            decoder.fields(message, object, &FieldPath::Root);
        }
        _ => decoder.refuse(&FieldPath::Root, &DecodeError::Type(Expected::Object)),
    }
    decoder.finish()
}

#[derive(Default)]
struct Decoder {
    violations: Vec<Violation>,
}

impl Decoder {
    fn refuse(&mut self, path: &FieldPath<'_>, error: &DecodeError) {
        self.violations.push(error.at(path.to_string()));
    }

    fn finish(self) -> Result<(), Vec<Violation>> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(self.violations)
        }
    }

    fn fields(&mut self, message: &mut DynamicMessage, object: &Map<String, Json>, path: &FieldPath<'_>) {
        let descriptor = message.descriptor();
        for (name, json) in object {
            let path = FieldPath::Field(path, name);
            let Some(field) = descriptor.get_field_by_name(name) else {
                self.refuse(&path, &DecodeError::UnknownField);
                continue;
            };
            if json.is_null() && !accepts_null(&field) {
                continue;
            }
            if let Some(other) = other_of_oneof(message, &field) {
                self.refuse(&path, &DecodeError::OneOf(other));
            } else if let Some(value) = self.field(&field, json, &path) {
                message.set_field(&field, value);
            }
        }
    }

    fn field(&mut self, field: &FieldDescriptor, json: &Json, path: &FieldPath<'_>) -> Option<Value> {
        if field.is_list() {
            self.list(&field.kind(), json, path)
        } else if field.is_map() {
            self.map(field, json, path)
        } else {
            self.single(&field.kind(), json, path)
        }
    }

    fn list(&mut self, kind: &Kind, json: &Json, path: &FieldPath<'_>) -> Option<Value> {
        let Json::Array(elements) = json else {
            self.refuse(path, &DecodeError::Type(Expected::Array));
            return None;
        };
        let decode = |(index, element)| self.single(kind, element, &FieldPath::Index(path, index));
        let values: Vec<_> = elements.iter().enumerate().filter_map(decode).collect();
        Some(Value::List(values))
    }

    fn map(&mut self, field: &FieldDescriptor, json: &Json, path: &FieldPath<'_>) -> Option<Value> {
        let (Json::Object(object), Kind::Message(entry)) = (json, field.kind()) else {
            self.refuse(path, &DecodeError::Type(Expected::Object));
            return None;
        };
        let keys = entry.map_entry_key_field().kind();
        let values = entry.map_entry_value_field().kind();
        let entries = object.iter().filter_map(|(key, json)| {
            let path = FieldPath::Key(path, key);
            Some((self.key(&keys, key, &path)?, self.single(&values, json, &path)?))
        });
        Some(Value::Map(entries.collect()))
    }

    fn key(&mut self, kind: &Kind, text: &str, path: &FieldPath<'_>) -> Option<MapKey> {
        let key = scalar::from_text(kind, text).map(Value::into_map_key);
        key.map_err(|error| self.refuse(path, &error)).ok().flatten()
    }

    fn single(&mut self, kind: &Kind, json: &Json, path: &FieldPath<'_>) -> Option<Value> {
        if let Kind::Message(descriptor) = kind
            && !crate::json::is_well_known(descriptor)
        {
            return self.message(descriptor, json, path);
        }
        scalar::from_json(kind, json)
            .map_err(|error| self.refuse(path, &error))
            .ok()
    }

    fn message(
        &mut self,
        descriptor: &MessageDescriptor,
        json: &Json,
        path: &FieldPath<'_>,
    ) -> Option<Value> {
        let Json::Object(object) = json else {
            self.refuse(path, &DecodeError::Type(Expected::Object));
            return None;
        };
        if path.depth() >= MAX_DEPTH {
            self.refuse(path, &DecodeError::TooDeep);
            return None;
        }
        let mut message = DynamicMessage::new(descriptor.clone());
        self.fields(&mut message, object, path);
        Some(Value::Message(message))
    }
}

/// Returns whether null is a value of the field, as of `google.protobuf.Value`. For others null means unset.
fn accepts_null(field: &FieldDescriptor) -> bool {
    let is_value = |kind: &Kind| {
        kind.as_message()
            .is_some_and(|m| m.full_name() == "google.protobuf.Value")
    };
    !field.is_list() && is_value(&field.kind())
}

/// Returns the member of the field's oneof that is set already.
fn other_of_oneof(message: &DynamicMessage, field: &FieldDescriptor) -> Option<String> {
    let other = field
        .containing_oneof()?
        .fields()
        .find(|other| message.has_field(other))?;
    Some(other.name().to_owned())
}
