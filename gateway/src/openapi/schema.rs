//! Converts messages to JSON Schemas, each a component with its own name.

use std::collections::BTreeMap;

use carshare_proto::{contract, enum_names};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comment::Comment;
use super::constraints::{self, Rules};
use super::names::Names;
use super::responses;
use crate::json::{is_omitted_when_unset, is_well_known};

/// The required fields of a request are those that must be sent, of a response those that are always written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

/// Schemas that were referred to so far.
pub(super) struct Schemas {
    names: Names,
    done: BTreeMap<String, Value>,
}

impl Schemas {
    pub(super) fn of_contract() -> Self {
        Self {
            names: Names::of_contract(),
            done: BTreeMap::new(),
        }
    }

    /// Returns the schemas and that of a problem.
    pub(super) fn finish(mut self) -> BTreeMap<String, Value> {
        self.done
            .insert("Problem".to_owned(), responses::problem_schema());
        self.done
    }

    /// Returns a reference to a message's schema, without the fields in `omitted`.
    pub(super) fn refer(
        &mut self,
        message: &MessageDescriptor,
        direction: Direction,
        omitted: &[String],
    ) -> Value {
        let name = self.names.of_message(message).to_owned();
        if !self.done.contains_key(&name) {
            // Inserted before it is written: a message may contain itself.
            self.done.insert(name.clone(), Value::Null);
            let schema = self.message(message, direction, omitted);
            self.done.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// Returns a reference to an enum's schema.
    fn refer_enum(&mut self, descriptor: &EnumDescriptor) -> Value {
        let name = self.names.of_enum(descriptor).to_owned();
        self.done.entry(name.clone()).or_insert_with(|| {
            let mut schema = enumeration(descriptor, &[]);
            let comment = Comment::of(&descriptor.parent_file(), descriptor.path());
            describe(&mut schema, &comment.text, &[]);
            schema
        });
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn message(&mut self, message: &MessageDescriptor, direction: Direction, omitted: &[String]) -> Value {
        let is_kept = |name: &str| !omitted.iter().any(|omitted| omitted == name);
        let fields = message.fields().filter(|field| is_kept(field.name()));
        let properties: Map<_, _> = fields
            .map(|field| (field.name().to_owned(), self.field(&field, direction)))
            .collect();
        let mut required = match direction {
            Direction::Request => constraints::required(message),
            Direction::Response => always_written(message),
        };
        required.retain(|name| is_kept(name));
        let mut schema = json!({ "type": "object", "properties": properties });
        describe(
            &mut schema,
            &Comment::of(&message.parent_file(), message.path()).text,
            &constraints::message_sentences(message),
        );
        if direction == Direction::Request {
            schema["additionalProperties"] = json!(false);
        }
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    /// Returns the schema of a field, with its rules and its comment.
    pub(super) fn field(&mut self, field: &FieldDescriptor, direction: Direction) -> Value {
        let rules = Rules::of_field(field);
        let mut schema = self.bare_field(field, &rules, direction);
        let comment = Comment::of(&field.parent_file(), field.path());
        if let Some(schema) = schema.as_object_mut() {
            schema.extend(rules.keywords);
            if is_uuid(field, &comment) {
                schema.insert("format".to_owned(), "uuid".into());
            }
        }
        describe(&mut schema, &comment.text, &rules.sentences);
        schema
    }

    fn bare_field(&mut self, field: &FieldDescriptor, rules: &Rules, direction: Direction) -> Value {
        if field.is_map() {
            let values = field
                .kind()
                .as_message()
                .map(|entry| entry.map_entry_value_field().kind());
            let values = values.map_or(Value::Bool(true), |kind| self.kind(&kind, rules, direction));
            return json!({ "type": "object", "additionalProperties": values });
        }
        let single = self.kind(&field.kind(), rules, direction);
        if field.is_list() {
            json!({ "type": "array", "items": single })
        } else {
            single
        }
    }

    fn kind(&mut self, kind: &Kind, rules: &Rules, direction: Direction) -> Value {
        match kind {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({ "type": "integer", "format": "int64" }),
            Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "format": "int32", "minimum": 0 }),
            Kind::Uint64 | Kind::Fixed64 => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
            Kind::Float => json!({ "type": "number", "format": "float" }),
            Kind::Double => json!({ "type": "number", "format": "double" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Enum(descriptor) if rules.only.is_empty() => self.refer_enum(descriptor),
            Kind::Enum(descriptor) => enumeration(descriptor, &rules.only),
            Kind::Message(message) if is_well_known(message) => well_known(message),
            Kind::Message(message) => self.refer(message, direction, &[]),
        }
    }
}

/// Sets the description: the comment, then the sentences of the rules.
fn describe(schema: &mut Value, comment: &str, sentences: &[String]) {
    let rules = sentences.iter().map(|text| format!("Rule: {text}."));
    let text: Vec<String> = Some(comment.to_owned())
        .filter(|text| !text.is_empty())
        .into_iter()
        .chain(rules)
        .collect();
    if !text.is_empty() {
        schema["description"] = json!(text.join("\n\n"));
    }
}

/// Returns whether the contract says that a text is a UUID: by a rule in requests, by the comment in replies.
fn is_uuid(field: &FieldDescriptor, comment: &Comment) -> bool {
    field.kind() == Kind::String && !field.is_list() && comment.text.starts_with("UUID")
}

/// Returns the fields that every reply has.
fn always_written(message: &MessageDescriptor) -> Vec<String> {
    message
        .fields()
        .filter(|field| !is_omitted_when_unset(field) || contract::is_always_set(field))
        .map(|field| field.name().to_owned())
        .collect()
}

/// Returns the words of an enum with their comments.
fn enumeration(descriptor: &EnumDescriptor, only: &[i32]) -> Value {
    let is_allowed = |number: i32| number != 0 && (only.is_empty() || only.contains(&number));
    let values: Vec<_> = descriptor
        .values()
        .filter(|value| is_allowed(value.number()))
        .collect();
    let words: Vec<_> = values
        .iter()
        .map(|value| enum_names::short_name(descriptor, value.name()))
        .collect();
    let descriptions = words.iter().zip(&values).map(|(word, value)| {
        (
            word.clone(),
            json!(Comment::of(&value.parent_file(), value.path()).text),
        )
    });
    let descriptions: Map<_, _> = descriptions.collect();
    json!({ "type": "string", "enum": words, "x-enum-descriptions": descriptions })
}

fn well_known(message: &MessageDescriptor) -> Value {
    match message.name() {
        "Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "Duration" => json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$" }),
        "Struct" | "Any" | "Empty" => json!({ "type": "object" }),
        "ListValue" => json!({ "type": "array" }),
        "BoolValue" => json!({ "type": "boolean" }),
        "StringValue" | "BytesValue" | "FieldMask" => json!({ "type": "string" }),
        "DoubleValue" | "FloatValue" => json!({ "type": "number" }),
        name if name.ends_with("IntValue") || name.contains("Int") => json!({ "type": "integer" }),
        _ => json!({}),
    }
}
