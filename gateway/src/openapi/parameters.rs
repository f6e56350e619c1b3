//! Parameters of an operation: path variables, query parameters and headers.

use carshare_chassis::Lang;
use carshare_proto::contract;
use http::Method;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::schema::{Direction, Schemas};
use super::{constraints, examples};
use crate::rest::{CURSOR, ETAG_FIELD};
use crate::routes::{Body, Route};

/// Maximum nesting of messages in a query.
const MAX_DEPTH: usize = 4;

/// Returns the parameters of a route.
pub(super) fn of_route(route: &Route, schemas: &mut Schemas) -> Vec<Value> {
    let input = route.rpc.descriptor.input();
    let mut parameters = path(route, &input, schemas);
    parameters.extend(query(route, &input, schemas));
    parameters.extend(
        headers(route, &input).map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })),
    );
    parameters
}

fn path(route: &Route, input: &MessageDescriptor, schemas: &mut Schemas) -> Vec<Value> {
    let parameters = route.variables.iter().filter_map(|variable| {
        Some(parameter(
            variable,
            "path",
            true,
            &field_at(input, variable)?,
            schemas,
        ))
    });
    parameters.collect()
}

fn query(route: &Route, input: &MessageDescriptor, schemas: &mut Schemas) -> Vec<Value> {
    let required = constraints::required(input);
    query_fields(route, input)
        .into_iter()
        .map(|(name, field)| parameter(&name, "query", required.contains(&name), &field, schemas))
        .collect()
}

/// Returns the fields that query parameters set, with the names of these.
fn query_fields(route: &Route, input: &MessageDescriptor) -> Vec<(String, FieldDescriptor)> {
    let in_body = match &route.body {
        Body::Whole => return Vec::new(),
        Body::Field(field) => Some(field.as_str()),
        Body::None => None,
    };
    let mut leaves = Vec::new();
    collect_leaves(input, "", 0, &mut leaves);
    leaves.retain(|(name, _)| in_body != Some(name.as_str()) && !route.has_variable(name));
    leaves
}

/// Returns the query string of the parameters that have an example, with its `?`.
pub(super) fn example_query(route: &Route) -> String {
    let input = route.rpc.descriptor.input();
    let required = constraints::required(&input);
    let pairs = query_fields(route, &input)
        .into_iter()
        .filter(|(name, field)| required.contains(name) || contract::example(field).is_some())
        .map(
            |(name, field)| match examples::of_field(&field, Direction::Request, Lang::default()) {
                Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={other}"),
            },
        );
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    }
}

/// Moves the description from the schema to the parameter. An optional parameter has an example only if the contract states one.
fn parameter(
    name: &str,
    location: &str,
    required: bool,
    field: &FieldDescriptor,
    schemas: &mut Schemas,
) -> Value {
    let mut schema = schemas.field(field, Direction::Request);
    let description = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("description"));
    let description = description.unwrap_or_default();
    let mut parameter = json!({ "name": name, "in": location, "required": required, "description": description, "schema": schema });
    if required || contract::example(field).is_some() {
        parameter["example"] = examples::of_field(field, Direction::Request, Lang::default());
    }
    parameter
}

/// Collects the fields that have a form as text, those of nested messages as `a.b`.
fn collect_leaves(
    message: &MessageDescriptor,
    prefix: &str,
    depth: usize,
    leaves: &mut Vec<(String, FieldDescriptor)>,
) {
    for field in message.fields().filter(|field| !field.is_map()) {
        let name = format!("{prefix}{}", field.name());
        match field.kind() {
            Kind::Message(inner) if !crate::json::is_well_known(&inner) => {
                if !field.is_list() && depth < MAX_DEPTH {
                    collect_leaves(&inner, &format!("{name}."), depth + 1, leaves);
                }
            }
            _ => leaves.push((name, field)),
        }
    }
}

fn field_at(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    match path.split_once('.') {
        None => message.get_field_by_name(path),
        Some((first, rest)) => field_at(message.get_field_by_name(first)?.kind().as_message()?, rest),
    }
}

/// Returns the components of the headers that the operation reads.
fn headers(route: &Route, input: &MessageDescriptor) -> impl Iterator<Item = &'static str> {
    let is_resumable = route.rpc.rest.server_sent_events && input.get_field_by_name(CURSOR).is_some();
    let is_mutation = route.method != Method::GET;
    let is_conditional = is_mutation && input.get_field_by_name(ETAG_FIELD).is_some();
    [
        ("AcceptLanguage", true),
        ("CorrelationId", true),
        ("IdempotencyKey", is_mutation),
        ("IfMatch", is_conditional),
        ("LastEventId", is_resumable),
    ]
    .into_iter()
    .filter_map(|(name, is_read)| is_read.then_some(name))
}

/// Returns the headers, as components.
pub(super) fn shared() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
    json!({
        "AcceptLanguage": header(
            "Accept-Language", "Language of error texts: Korean unless English is preferred.",
            json!({ "type": "string", "default": "ko" }),
        ),
        "CorrelationId": header(
            "X-Correlation-Id", "Id of the request in logs, events and the response. Without one of at most 128 letters, digits and `._:-` the \
             gateway generates one.",
            json!({ "type": "string" }),
        ),
        "IdempotencyKey": header(
            "Idempotency-Key", "A request repeated with its key is executed once and gets the same response; another request with the key is an error.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
        ),
        "IfMatch": header(
            "If-Match", "`ETag` of the resource as it was read. If the resource has changed since then, the answer is 412 and nothing is changed.",
            json!({ "type": "string" }),
        ),
        "LastEventId": header(
            "Last-Event-ID", "Id of the last received event, after which the stream resumes.",
            json!({ "type": "string" }),
        ),
    })
}
