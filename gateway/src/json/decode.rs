//! JSON → message. Every fault is collected, so that one answer names them all.

use carshare_chassis::error::Violation;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value,
};
use serde_json::{Map, Value as Json};

use super::field_path::FieldPath;
use super::{Expected, Fault, MAX_DEPTH, scalar};

/// Sets the fields of `message` that `json`, an object, names. `taken` are fields that the object may not name because
/// the path of the URL sets them.
///
/// # Errors
/// Every field at fault; the message is then half-filled and of no use.
pub fn read(message: &mut DynamicMessage, json: &Json, taken: &[&str]) -> Result<(), Vec<Violation>> {
    let mut reader = Reader::default();
    match json {
        Json::Object(object) => {
            for name in taken.iter().filter(|name| object.contains_key(**name)) {
                reader.fault(&FieldPath::Field(&FieldPath::Root, name), &Fault::GivenByPath);
            }
            reader.fields(message, object, &FieldPath::Root);
        }
        _ => reader.fault(&FieldPath::Root, &Fault::NotA(Expected::Object)),
    }
    if reader.faults.is_empty() {
        Ok(())
    } else {
        Err(reader.faults)
    }
}

/// Reads one field whose value is the whole of `json`.
///
/// # Errors
/// Every place at fault.
pub fn read_field(
    message: &mut DynamicMessage,
    field: &FieldDescriptor,
    json: &Json,
) -> Result<(), Vec<Violation>> {
    let mut reader = Reader::default();
    let place = FieldPath::Field(&FieldPath::Root, field.name());
    if let Some(value) = reader.field(field, json, &place) {
        message.set_field(field, value);
    }
    if reader.faults.is_empty() {
        Ok(())
    } else {
        Err(reader.faults)
    }
}

#[derive(Default)]
struct Reader {
    faults: Vec<Violation>,
}

impl Reader {
    fn fault(&mut self, place: &FieldPath<'_>, fault: &Fault) {
        self.faults.push(fault.at(place.to_string()));
    }

    fn fields(&mut self, message: &mut DynamicMessage, object: &Map<String, Json>, place: &FieldPath<'_>) {
        let descriptor = message.descriptor();
        for (name, json) in object {
            let place = FieldPath::Field(place, name);
            let Some(field) = descriptor.get_field_by_name(name) else {
                self.fault(&place, &Fault::Unknown);
                continue;
            };
            if json.is_null() && !takes_null(&field) {
                continue;
            }
            if let Some(other) = other_of_oneof(message, &field) {
                self.fault(&place, &Fault::OneOf(other));
            } else if let Some(value) = self.field(&field, json, &place) {
                message.set_field(&field, value);
            }
        }
    }

    fn field(&mut self, field: &FieldDescriptor, json: &Json, place: &FieldPath<'_>) -> Option<Value> {
        if field.is_list() {
            self.list(&field.kind(), json, place)
        } else if field.is_map() {
            self.map(field, json, place)
        } else {
            self.single(&field.kind(), json, place)
        }
    }

    fn list(&mut self, kind: &Kind, json: &Json, place: &FieldPath<'_>) -> Option<Value> {
        let Json::Array(elements) = json else {
            self.fault(place, &Fault::NotA(Expected::Array));
            return None;
        };
        let read = |(index, element)| self.single(kind, element, &FieldPath::Index(place, index));
        let values: Vec<_> = elements.iter().enumerate().filter_map(read).collect();
        Some(Value::List(values))
    }

    fn map(&mut self, field: &FieldDescriptor, json: &Json, place: &FieldPath<'_>) -> Option<Value> {
        let (Json::Object(object), Kind::Message(entry)) = (json, field.kind()) else {
            self.fault(place, &Fault::NotA(Expected::Object));
            return None;
        };
        let keys = entry.map_entry_key_field().kind();
        let values = entry.map_entry_value_field().kind();
        let entries = object.iter().filter_map(|(key, json)| {
            let place = FieldPath::Key(place, key);
            Some((self.key(&keys, key, &place)?, self.single(&values, json, &place)?))
        });
        Some(Value::Map(entries.collect()))
    }

    fn key(&mut self, kind: &Kind, text: &str, place: &FieldPath<'_>) -> Option<MapKey> {
        let key = scalar::from_text(kind, text).map(Value::into_map_key);
        key.map_err(|fault| self.fault(place, &fault)).ok().flatten()
    }

    fn single(&mut self, kind: &Kind, json: &Json, place: &FieldPath<'_>) -> Option<Value> {
        if let Kind::Message(descriptor) = kind
            && !super::is_well_known(descriptor)
        {
            return self.message(descriptor, json, place);
        }
        scalar::from_json(kind, json)
            .map_err(|fault| self.fault(place, &fault))
            .ok()
    }

    fn message(
        &mut self,
        descriptor: &MessageDescriptor,
        json: &Json,
        place: &FieldPath<'_>,
    ) -> Option<Value> {
        let Json::Object(object) = json else {
            self.fault(place, &Fault::NotA(Expected::Object));
            return None;
        };
        if place.depth() >= MAX_DEPTH {
            self.fault(place, &Fault::TooDeep);
            return None;
        }
        let mut message = DynamicMessage::new(descriptor.clone());
        self.fields(&mut message, object, place);
        Some(Value::Message(message))
    }
}

/// `google.protobuf.Value` has a null of its own; for all others null means "not sent".
fn takes_null(field: &FieldDescriptor) -> bool {
    let is_value = |kind: &Kind| {
        kind.as_message()
            .is_some_and(|m| m.full_name() == "google.protobuf.Value")
    };
    !field.is_list() && is_value(&field.kind())
}

/// The member of the field's oneof that is set already.
fn other_of_oneof(message: &DynamicMessage, field: &FieldDescriptor) -> Option<String> {
    let other = field
        .containing_oneof()?
        .fields()
        .find(|other| message.has_field(other))?;
    Some(other.name().to_owned())
}

#[cfg(test)]
mod tests;
