//! Messages as JSON Schema, each under a name of its own.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::constraints::{self, Rules};
use super::names::Names;
use super::{comment, responses};
use carshare_proto::enum_names;

/// Which way a message goes: what has to be sent is not what is always printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Sent,
    Received,
}

/// The schemas that were referred to so far.
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

    /// All of them, with the problem.
    pub(super) fn finish(mut self) -> BTreeMap<String, Value> {
        self.done
            .insert("Problem".to_owned(), responses::problem_schema());
        self.done
    }

    /// A reference to a message's schema, without the fields that `left_out` names.
    pub(super) fn refer(
        &mut self,
        message: &MessageDescriptor,
        direction: Direction,
        left_out: &[&str],
    ) -> Value {
        let name = self.names.of_message(message).to_owned();
        if !self.done.contains_key(&name) {
            // Held free before it is filled: a message may contain itself.
            self.done.insert(name.clone(), Value::Null);
            let schema = self.message(message, direction, left_out);
            self.done.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn message(&mut self, message: &MessageDescriptor, direction: Direction, left_out: &[&str]) -> Value {
        let is_there = |name: &str| !left_out.contains(&name);
        let fields = message.fields().filter(|field| is_there(field.name()));
        let properties: Map<_, _> = fields
            .map(|field| (field.name().to_owned(), self.field(&field, direction)))
            .collect();
        let mut required = match direction {
            Direction::Sent => constraints::required(message),
            Direction::Received => always_printed(message),
        };
        required.retain(|name| is_there(name));
        let mut schema = json!({ "type": "object", "properties": properties });
        describe(
            &mut schema,
            &comment::of_message(message).text,
            &constraints::told_of_message(message),
        );
        if direction == Direction::Sent {
            schema["additionalProperties"] = json!(false);
        }
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    /// The schema of a field, with its rules and its comment.
    pub(super) fn field(&mut self, field: &FieldDescriptor, direction: Direction) -> Value {
        let rules = Rules::of_field(field);
        let mut schema = self.bare_field(field, &rules, direction);
        if let Some(schema) = schema.as_object_mut() {
            schema.extend(rules.keywords);
        }
        describe(&mut schema, &comment::of_field(field).text, &rules.told);
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
            Kind::Enum(descriptor) => enumeration(descriptor, &rules.only),
            Kind::Message(message) if crate::json::is_well_known(message) => well_known(message),
            Kind::Message(message) => self.refer(message, direction, &[]),
        }
    }
}

/// Comment first, then what the rules say in words.
fn describe(schema: &mut Value, comment: &str, told: &[String]) {
    let rules = told.iter().map(|text| format!("Rule: {text}."));
    let text: Vec<String> = Some(comment.to_owned())
        .filter(|text| !text.is_empty())
        .into_iter()
        .chain(rules)
        .collect();
    if !text.is_empty() {
        schema["description"] = json!(text.join("\n\n"));
    }
}

/// The fields the JSON writer never leaves out.
fn always_printed(message: &MessageDescriptor) -> Vec<String> {
    let tells_unset = |field: &FieldDescriptor| {
        field.supports_presence() || (matches!(field.kind(), Kind::Enum(_)) && !field.is_list())
    };
    message
        .fields()
        .filter(|field| !tells_unset(field))
        .map(|field| field.name().to_owned())
        .collect()
}

/// Words and what they mean.
fn enumeration(descriptor: &EnumDescriptor, only: &[i32]) -> Value {
    let admitted = |number: i32| number != 0 && (only.is_empty() || only.contains(&number));
    let values: Vec<_> = descriptor
        .values()
        .filter(|value| admitted(value.number()))
        .collect();
    let words: Vec<_> = values
        .iter()
        .map(|value| enum_names::short_name(descriptor, value.name()))
        .collect();
    let meanings = words
        .iter()
        .zip(&values)
        .map(|(word, value)| (word.clone(), json!(comment::of_value(value).text)));
    let meanings: Map<_, _> = meanings.collect();
    json!({ "type": "string", "enum": words, "x-enum-descriptions": meanings })
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
