//! Writes JSON as the wire bytes of a message. All violations are collected, so that one response names them.
//!
//! Values are written in the order of the JSON, zeros too: of a field that is written again the last value counts, and messages
//! are merged, as protobuf says. So the parts of a request (body, query, path) are appended one after the other.

use carshare_chassis::error::Violation;
use serde_json::{Map, Value as Json};

use super::field_path::FieldPath;
use super::schema::{Field, Kind, Label, Message, MessageType, Schema, Shape};
use super::{DecodeError, Expected, MAX_DEPTH, MAX_VIOLATIONS, scalar};

impl MessageType {
    /// Appends the fields of an object, which may not contain `path_variables`. A field that is null is not set.
    ///
    /// # Errors
    /// Every invalid field, up to [`MAX_VIOLATIONS`]. The bytes are then incomplete.
    pub fn decode(
        &self,
        json: &Json,
        path_variables: &[String],
        out: &mut Vec<u8>,
    ) -> Result<(), Vec<Violation>> {
        self.decode_object(json, path_variables, Decoder::new(&self.schema), out)
    }

    /// Appends the fields of a merge patch (RFC 7396): as [`MessageType::decode`], but a field that is null is set to its empty value,
    /// which clears it.
    ///
    /// # Errors
    /// Every invalid field, and null of one without an empty value: a list, map, message or member of a oneof. The bytes are then
    /// incomplete.
    pub fn decode_patch(
        &self,
        json: &Json,
        path_variables: &[String],
        out: &mut Vec<u8>,
    ) -> Result<(), Vec<Violation>> {
        let decoder = Decoder {
            null_clears: true,
            ..Decoder::new(&self.schema)
        };
        self.decode_object(json, path_variables, decoder, out)
    }

    fn decode_object(
        &self,
        json: &Json,
        path_variables: &[String],
        mut decoder: Decoder<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Vec<Violation>> {
        match json {
            Json::Object(object) => {
                for name in path_variables.iter().filter(|name| object.contains_key(*name)) {
                    decoder.refuse(
                        &FieldPath::Field(&FieldPath::Root, name),
                        &DecodeError::GivenByPath,
                    );
                }
                decoder.fields(out, self.table(), object, &FieldPath::Root);
            }
            _ => decoder.refuse(&FieldPath::Root, &DecodeError::Type(Expected::Object)),
        }
        decoder.finish()
    }

    /// Appends one field, whose value is the whole of `json`.
    ///
    /// # Errors
    /// Every invalid field.
    pub fn decode_field(&self, field: usize, json: &Json, out: &mut Vec<u8>) -> Result<(), Vec<Violation>> {
        let mut decoder = Decoder::new(&self.schema);
        let field = &self.table().fields[field];
        decoder.field(out, field, json, &FieldPath::Field(&FieldPath::Root, &field.name));
        decoder.finish()
    }
}

struct Decoder<'a> {
    schema: &'a Schema,
    /// Whether null sets a field to its empty value.
    null_clears: bool,
    violations: Vec<Violation>,
}

impl<'a> Decoder<'a> {
    fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            null_clears: false,
            violations: Vec::new(),
        }
    }

    fn refuse(&mut self, path: &FieldPath<'_>, error: &DecodeError) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(error.at(path.to_string()));
        }
    }

    fn finish(self) -> Result<(), Vec<Violation>> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(self.violations)
        }
    }

    fn fields(
        &mut self,
        out: &mut Vec<u8>,
        table: &Message,
        object: &Map<String, Json>,
        path: &FieldPath<'_>,
    ) {
        let mut set_members: Vec<&Field> = Vec::new();
        for (name, json) in object {
            let path = FieldPath::Field(path, name);
            let Some(field) = table.fields.iter().find(|field| *field.name == **name) else {
                self.refuse(&path, &DecodeError::UnknownField);
                continue;
            };
            if json.is_null() && !self.accepts_null(field) {
                if self.null_clears {
                    let cleared = scalar::clear(field, out);
                    cleared.unwrap_or_else(|error| self.refuse(&path, &error));
                }
                continue;
            }
            let other = set_members
                .iter()
                .find(|other| field.oneof.is_some() && other.oneof == field.oneof);
            if let Some(other) = other {
                self.refuse(&path, &DecodeError::OneOf(other.name.to_string()));
            } else if self.field(out, field, json, &path) && field.oneof.is_some() {
                set_members.push(field);
            }
        }
    }

    /// Writes a field. Returns whether it is set; it is not when its value as a whole is invalid.
    fn field(&mut self, out: &mut Vec<u8>, field: &Field, json: &Json, path: &FieldPath<'_>) -> bool {
        match (field.label, field.kind) {
            (Label::Single, _) => self.single(out, field, json, path),
            (Label::List, _) => self.list(out, field, json, path),
            (Label::Map, Kind::Message(entry)) => self.map(out, field, entry, json, path),
            (Label::Map, _) => false,
        }
    }

    fn list(&mut self, out: &mut Vec<u8>, field: &Field, json: &Json, path: &FieldPath<'_>) -> bool {
        let Json::Array(elements) = json else {
            self.refuse(path, &DecodeError::Type(Expected::Array));
            return false;
        };
        for (index, element) in elements.iter().enumerate() {
            self.single(out, field, element, &FieldPath::Index(path, index));
        }
        true
    }

    fn map(
        &mut self,
        out: &mut Vec<u8>,
        field: &Field,
        entry: usize,
        json: &Json,
        path: &FieldPath<'_>,
    ) -> bool {
        let Json::Object(object) = json else {
            self.refuse(path, &DecodeError::Type(Expected::Object));
            return false;
        };
        let schema = self.schema;
        let [key_field, value_field] = &schema.messages[entry].fields[..] else {
            return false;
        };
        for (key, json) in object {
            let path = FieldPath::Key(path, key);
            scalar::block(out, field.number, |out| {
                match scalar::from_text(schema, key_field, key, out) {
                    Ok(()) => _ = self.single(out, value_field, json, &path),
                    Err(error) => self.refuse(&path, &error),
                }
            });
        }
        true
    }

    fn single(&mut self, out: &mut Vec<u8>, field: &Field, json: &Json, path: &FieldPath<'_>) -> bool {
        let schema = self.schema;
        if let Kind::Message(index) = field.kind
            && schema.messages[index].shape == Shape::Object
        {
            return self.message(out, field, &schema.messages[index], json, path);
        }
        let written = scalar::from_json(schema, field, json, out);
        written.map_err(|error| self.refuse(path, &error)).is_ok()
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        field: &Field,
        table: &Message,
        json: &Json,
        path: &FieldPath<'_>,
    ) -> bool {
        let Json::Object(object) = json else {
            self.refuse(path, &DecodeError::Type(Expected::Object));
            return false;
        };
        if path.depth() >= MAX_DEPTH {
            self.refuse(path, &DecodeError::TooDeep);
            return false;
        }
        scalar::block(out, field.number, |out| self.fields(out, table, object, path));
        true
    }

    /// Returns whether null is a value of the field, as of `google.protobuf.Value`. For others null means unset.
    fn accepts_null(&self, field: &Field) -> bool {
        match field.kind {
            Kind::Message(index) => {
                field.label == Label::Single && self.schema.messages[index].shape == Shape::Any
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
