//! A request of every RPC, generated from the contract: stated examples, known ids, and the routes over REST.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use carshare_proto::google::api::{HttpRule, http_rule::Pattern};
use carshare_proto::{DESCRIPTOR_POOL, contract, enum_names};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, ReflectMessage as _, Value,
};
use reqwest::Method;
use serde_json::{Map, Value as Json, json};

/// An id that does not exist.
pub const UNKNOWN_ID: &str = "5b0e0000-0000-7000-8000-000000000001";

/// Ids of existing resources by field name, `booking_id`.
pub type Ids = HashMap<&'static str, String>;

/// Returns `/carshare.booking.v1.BookingService/GetBooking`.
pub fn grpc_path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// Returns a request with `ids` and the stated examples; an id that is not among `ids` is [`UNKNOWN_ID`]. Of alternatives it has that with
/// an example.
pub fn example_request(method: &MethodDescriptor, ids: &Ids) -> DynamicMessage {
    let mut message = DynamicMessage::new(method.input());
    let ruled = ruled_fields(&method.input());
    for field in method.input().fields() {
        let is_id = field.name().ends_with("_id");
        if is_id && field.supports_presence() && ruled.iter().any(|name| name == field.name()) {
            continue;
        }
        if let Some(value) = example(&field, ids) {
            let value = if field.is_list() {
                Value::List(vec![value])
            } else {
                value
            };
            message.set_field(&field, value);
        }
    }
    message
}

fn example(field: &FieldDescriptor, ids: &Ids) -> Option<Value> {
    let name = field.name();
    let singular = name.strip_suffix('s').unwrap_or(name);
    if field.kind() == Kind::String && singular.ends_with("_id") {
        let id = ids.get(singular).map_or(UNKNOWN_ID, String::as_str);
        return Some(Value::String(id.to_owned()));
    }
    let text = contract::example(field)
        .map(|(korean, _)| korean)
        .or_else(|| by_rule(field));
    match field.kind() {
        _ if field.is_map() => None,
        Kind::String => text.map(Value::String),
        Kind::Bytes => BASE64_STANDARD
            .decode(text?)
            .ok()
            .map(|bytes| Value::Bytes(bytes.into())),
        Kind::Bool => text?.parse().ok().map(Value::Bool),
        Kind::Int32 => text?.parse().ok().map(Value::I32),
        Kind::Int64 => text?.parse().ok().map(Value::I64),
        Kind::Double => text?.parse().ok().map(Value::F64),
        Kind::Enum(kind) => {
            let stated = text.and_then(|text| enum_names::number(&kind, &text));
            let first = || {
                kind.values()
                    .map(|value| value.number())
                    .find(|number| *number != 0)
            };
            let needs_one = !field.supports_presence() && !field.is_list();
            stated.or_else(|| needs_one.then(first)?).map(Value::EnumNumber)
        }
        Kind::Message(message) if message.name() == "Timestamp" => {
            let time: chrono::DateTime<chrono::Utc> = text?.parse().ok()?;
            let time = prost_types::Timestamp {
                seconds: time.timestamp(),
                nanos: 0,
            };
            Some(Value::Message(time.transcode_to_dynamic()))
        }
        _ => None,
    }
}

/// Returns the fields that rules of the message are about.
fn ruled_fields(message: &MessageDescriptor) -> Vec<String> {
    let extension = DESCRIPTOR_POOL.get_extension_by_name("carshare.options.v1.message_rule_text");
    let texts = extension.map(|extension| message.options().get_extension(&extension).into_owned());
    let texts = match texts {
        Some(Value::List(texts)) => texts,
        text => text.into_iter().collect(),
    };
    let fields = texts.iter().filter_map(|text| {
        let fields = text.as_message()?.get_field_by_name("fields")?.into_owned();
        let names = fields.as_list()?.iter();
        Some(
            names
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect::<Vec<_>>(),
        )
    });
    fields.flatten().collect()
}

/// Returns a value that the field's rule allows: the first of `in`, or the bound of `gte`.
fn by_rule(field: &FieldDescriptor) -> Option<String> {
    let extension = DESCRIPTOR_POOL.get_extension_by_name("buf.validate.field")?;
    let options = field.options();
    let rules = options
        .has_extension(&extension)
        .then(|| options.get_extension(&extension))?;
    let (_, rules) = rules
        .as_message()?
        .fields()
        .find(|(rule, _)| rule.containing_oneof().is_some())?;
    let rules = rules.as_message()?;
    let value = |name: &str| Some(rules.get_field_by_name(name)?.into_owned());
    match (value("in"), value("gte")) {
        (Some(Value::List(values)), _) if !values.is_empty() => Some(values[0].as_str()?.to_owned()),
        (_, Some(Value::I64(bound))) if !field.supports_presence() && bound > 0 => Some(bound.to_string()),
        _ => None,
    }
}

/// Returns the requests over REST: one for each route of the RPC, with its path, query and body.
pub fn rest_requests(
    method: &MethodDescriptor,
    message: &DynamicMessage,
) -> Vec<(Method, String, Option<Json>)> {
    let Some(rule) = contract::http(method) else {
        return Vec::new();
    };
    let Json::Object(fields) = to_json(message) else {
        return Vec::new();
    };
    let all = std::iter::once(&rule).chain(&rule.additional_bindings);
    all.filter_map(|rule| rest_request(rule, fields.clone()))
        .collect()
}

fn rest_request(rule: &HttpRule, mut fields: Map<String, Json>) -> Option<(Method, String, Option<Json>)> {
    let (verb, template) = match rule.pattern.as_ref()? {
        Pattern::Get(path) => (Method::GET, path),
        Pattern::Put(path) => (Method::PUT, path),
        Pattern::Post(path) => (Method::POST, path),
        Pattern::Delete(path) => (Method::DELETE, path),
        Pattern::Patch(path) => (Method::PATCH, path),
        Pattern::Custom(_) => return None,
    };
    let mut path = template.clone();
    for name in path_fields(template) {
        let value = fields.remove(&name).unwrap_or_default();
        path = path.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
    }
    let body = match rule.body.as_str() {
        "" => None,
        "*" => Some(Json::Object(std::mem::take(&mut fields))),
        name => fields.remove(name),
    };
    let query = fields.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), text)
    });
    let query: Vec<(String, String)> = query.collect();
    let url = reqwest::Url::parse_with_params("http://mesh/", query).expect("a URL");
    if let Some(query) = url.query().filter(|query| !query.is_empty()) {
        path = format!("{path}?{query}");
    }
    Some((verb, path, body))
}

/// Returns the names of the fields in a path template.
pub fn path_fields(template: &str) -> Vec<String> {
    let parts = template.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Returns the path template of the first route.
pub fn path_template(method: &MethodDescriptor) -> Option<String> {
    match contract::http(method)?.pattern? {
        Pattern::Get(path)
        | Pattern::Put(path)
        | Pattern::Post(path)
        | Pattern::Delete(path)
        | Pattern::Patch(path) => Some(path),
        Pattern::Custom(_) => None,
    }
}

/// Returns a message as the REST API writes it.
pub fn to_json(message: &DynamicMessage) -> Json {
    if message.descriptor().package_name() == "google.protobuf" {
        // A time beyond year 9999 has no text.
        return serde_json::to_value(message).unwrap_or_default();
    }
    let fields = message.fields();
    let members: Map<_, _> = fields
        .map(|(field, value)| (field.name().to_owned(), value_to_json(&field, value)))
        .collect();
    members.into()
}

fn value_to_json(field: &FieldDescriptor, value: &Value) -> Json {
    match (value, field.kind()) {
        (Value::List(values), _) => values.iter().map(|value| value_to_json(field, value)).collect(),
        (Value::EnumNumber(number), Kind::Enum(kind)) => match kind.get_value(*number) {
            Some(value) => json!(enum_names::short_name(&kind, value.name())),
            None => json!(number),
        },
        (Value::Message(message), _) => to_json(message),
        (Value::Bool(value), _) => json!(value),
        (Value::I32(value), _) => json!(value),
        (Value::I64(value), _) => json!(value),
        (Value::U32(value), _) => json!(value),
        (Value::U64(value), _) => json!(value),
        (Value::F32(value), _) => json!(value),
        (Value::F64(value), _) => json!(value),
        (Value::String(value), _) => json!(value),
        (Value::Bytes(value), _) => json!(BASE64_STANDARD.encode(value)),
        _ => Json::Null,
    }
}
