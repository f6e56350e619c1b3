//! Converts `buf.validate` rules to JSON Schema keywords. Rules without a keyword (CEL) become sentences of the description.

use carshare_proto::codec;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value as Proto,
};
use serde_json::{Map, Value, json};
use tonic_types::StatusExt as _;

/// Rules and their keywords. Texts, numbers and lists share a table, since no name means different things in two of them.
const KEYWORDS: [(&str, &str); 10] = [
    ("min_len", "minLength"),
    // A text of n bytes has at most n characters. The later entry wins where both are set.
    ("max_bytes", "maxLength"),
    ("max_len", "maxLength"),
    ("pattern", "pattern"),
    ("gte", "minimum"),
    ("gt", "exclusiveMinimum"),
    ("lte", "maximum"),
    ("lt", "exclusiveMaximum"),
    ("min_items", "minItems"),
    ("max_items", "maxItems"),
];

const FORMATS: [(&str, &str); 3] = [("email", "email"), ("uuid", "uuid"), ("uri", "uri")];

#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) keywords: Map<String, Value>,
    /// Numbers of the allowed enum values; all when empty.
    pub(super) only: Vec<i32>,
    /// Sentences for the description.
    pub(super) sentences: Vec<String>,
}

impl Rules {
    pub(super) fn of_field(field: &FieldDescriptor) -> Self {
        let mut rules = Self::default();
        let Some(constraints) = constraints(&field.options(), "buf.validate.field") else {
            return rules;
        };
        rules.sentences = cel_messages(&constraints);
        // The set member of the oneof: `string`, `int32`, `enum` and so on.
        let kind = constraints
            .fields()
            .find_map(|(kind, value)| kind.containing_oneof().and_then(|_| value.as_message()).cloned());
        if let Some(kind) = kind {
            rules.read(&kind);
        }
        rules
    }

    fn read(&mut self, kind: &DynamicMessage) {
        let value_of = |name: &str| {
            let field = kind.descriptor().get_field_by_name(name)?;
            kind.has_field(&field)
                .then(|| kind.get_field(&field).into_owned())
        };
        for (rule, keyword) in KEYWORDS {
            if let Some(bound) = value_of(rule) {
                self.keywords.insert(keyword.to_owned(), to_json(&bound));
            }
        }
        for (rule, format) in FORMATS {
            if value_of(rule) == Some(Proto::Bool(true)) {
                self.keywords.insert("format".to_owned(), format.into());
            }
        }
        if let Some(Proto::List(values)) = value_of("in") {
            self.only = values.iter().filter_map(Proto::as_i32).collect();
            if values.iter().all(|value| value.as_str().is_some()) {
                self.keywords
                    .insert("enum".to_owned(), values.iter().map(to_json).collect());
            }
        }
    }
}

/// Returns the sentences of the rules on a whole message.
pub(super) fn message_sentences(message: &MessageDescriptor) -> Vec<String> {
    constraints(&message.options(), "buf.validate.message")
        .map(|rules| cel_messages(&rules))
        .unwrap_or_default()
}

/// Returns the fields that have to be sent: those for which an empty message is refused.
pub(super) fn required(message: &MessageDescriptor) -> Vec<String> {
    let Err(status) = codec::validate(&DynamicMessage::new(message.clone())) else {
        return Vec::new();
    };
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations);
    let of_message = message_sentences(message);
    let mut fields: Vec<_> = violations
        .into_iter()
        .flatten()
        // A rule on the whole message does not say which of its fields is missing.
        .filter(|violation| !of_message.contains(&violation.description))
        .map(|violation| violation.field)
        .collect();
    fields.retain(|field| message.get_field_by_name(field).is_some());
    fields.dedup();
    fields
}

fn constraints(options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let extension = options.descriptor().parent_pool().get_extension_by_name(name)?;
    options
        .has_extension(&extension)
        .then(|| options.get_extension(&extension).as_message().cloned())?
}

/// Returns the messages of the CEL rules.
fn cel_messages(constraints: &DynamicMessage) -> Vec<String> {
    let rules = constraints.get_field_by_name("cel");
    let rules = rules
        .as_ref()
        .and_then(|rules| rules.as_list())
        .unwrap_or_default();
    let message = |rule: &Proto| {
        Some(
            rule.as_message()?
                .get_field_by_name("message")?
                .as_str()?
                .to_owned(),
        )
    };
    rules.iter().filter_map(message).collect()
}

fn to_json(value: &Proto) -> Value {
    match value {
        Proto::I32(number) => json!(number),
        Proto::I64(number) => json!(number),
        Proto::U32(number) => json!(number),
        Proto::U64(number) => json!(number),
        Proto::F32(number) => json!(number),
        Proto::F64(number) => json!(number),
        Proto::String(text) => json!(text),
        _ => Value::Null,
    }
}
