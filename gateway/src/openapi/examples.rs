//! Example bodies and values in Korean and English: those that the contract states (`example`), else values of the field's type that
//! satisfy its rules.

use carshare_chassis::Lang;
use carshare_proto::{contract, enum_names};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};
use serde_json::{Map, Value, json};

use super::constraints::{self, Rules};
use super::schema::Direction;
use crate::json::{is_omitted_when_unset, is_well_known};

const UUID: &str = "01a21e3e-75eb-7000-a6c4-946b51ac17c4";
const TIME: &str = "2030-01-04T03:00:00Z";
/// Messages may contain one another.
const MAX_DEPTH: usize = 6;

/// Returns a media type with its schema and one example a language, or one for both if they are the same.
pub(super) fn media_type(schema: &Value, example: impl Fn(Lang) -> Value) -> Value {
    let (ko, en) = (example(Lang::Ko), example(Lang::En));
    let examples = if ko == en {
        json!({ "example": { "summary": "Example", "value": ko } })
    } else {
        json!({ "ko": { "summary": "한국어", "value": ko }, "en": { "summary": "English", "value": en } })
    };
    json!({ "schema": schema, "examples": examples })
}

/// Returns an example of a message without the fields in `omitted`.
pub(super) fn of_message(
    message: &MessageDescriptor,
    direction: Direction,
    omitted: &[String],
    lang: Lang,
) -> Value {
    Examples { direction, lang }.message(message, omitted, 0)
}

/// Returns an example of a field.
pub(super) fn of_field(field: &FieldDescriptor, direction: Direction, lang: Lang) -> Value {
    Examples { direction, lang }.field(field, 0)
}

struct Examples {
    direction: Direction,
    lang: Lang,
}

impl Examples {
    fn message(&self, message: &MessageDescriptor, omitted: &[String], depth: usize) -> Value {
        let required = constraints::required(message);
        let fields = message.fields().filter(|field| {
            !omitted.iter().any(|omitted| omitted == field.name()) && self.is_shown(field, &required)
        });
        let members: Map<_, _> = fields
            .map(|field| (field.name().to_owned(), self.field(&field, depth)))
            .collect();
        members.into()
    }

    /// A reply shows what it always has, a request what it has to have; both show the fields with a stated example.
    fn is_shown(&self, field: &FieldDescriptor, required: &[String]) -> bool {
        let is_present = match self.direction {
            Direction::Request => required.iter().any(|name| name == field.name()),
            Direction::Response => !is_omitted_when_unset(field) || contract::is_always_set(field),
        };
        is_present || contract::example(field).is_some() || is_first_of_oneof(field)
    }

    fn field(&self, field: &FieldDescriptor, depth: usize) -> Value {
        if field.is_map() {
            return self.stated(field).unwrap_or_else(|| json!({}));
        }
        let single = self.stated(field).unwrap_or_else(|| self.single(field, depth));
        if field.is_list() { json!([single]) } else { single }
    }

    fn stated(&self, field: &FieldDescriptor) -> Option<Value> {
        let (ko, en) = contract::example(field)?;
        let text = match self.lang {
            Lang::Ko => ko,
            Lang::En => en,
        };
        let is_text = match field.kind() {
            Kind::String | Kind::Bytes | Kind::Enum(_) => true,
            Kind::Message(message) => message.name() == "Timestamp" || message.name() == "Duration",
            _ => false,
        };
        if is_text {
            Some(text.into())
        } else {
            serde_json::from_str(&text).ok()
        }
    }

    fn single(&self, field: &FieldDescriptor, depth: usize) -> Value {
        let rules = Rules::of_field(field);
        match field.kind() {
            Kind::Bool => json!(false),
            Kind::Float | Kind::Double => rules.keywords.get("minimum").cloned().unwrap_or(json!(0.0)),
            Kind::String => text(field, &rules),
            Kind::Bytes => json!(""),
            Kind::Enum(descriptor) => {
                let is_allowed =
                    |number: i32| number != 0 && (rules.only.is_empty() || rules.only.contains(&number));
                let value = descriptor.values().find(|value| is_allowed(value.number()));
                value
                    .map(|value| enum_names::short_name(&descriptor, value.name()))
                    .into()
            }
            Kind::Message(message) if message.name() == "Timestamp" => json!(TIME),
            Kind::Message(message) if is_well_known(&message) => json!({}),
            Kind::Message(_) if depth == MAX_DEPTH => json!({}),
            Kind::Message(message) => self.message(&message, &[], depth + 1),
            _ => rules.keywords.get("minimum").cloned().unwrap_or(json!(0)),
        }
    }
}

fn text(field: &FieldDescriptor, rules: &Rules) -> Value {
    let is_uuid = rules.keywords.get("format") == Some(&json!("uuid"))
        || super::comment::Comment::of(&field.parent_file(), field.path())
            .text
            .starts_with("UUID");
    let first = rules.keywords.get("enum").and_then(|values| values.get(0));
    match first {
        Some(first) => first.clone(),
        None if is_uuid => json!(UUID),
        None => json!(""),
    }
}

fn is_first_of_oneof(field: &FieldDescriptor) -> bool {
    let is_first = |oneof: OneofDescriptor| {
        !oneof.is_synthetic() && oneof.fields().next().is_some_and(|first| first == *field)
    };
    field.containing_oneof().is_some_and(is_first)
}
