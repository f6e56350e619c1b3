//! Responses of an operation: the success, and the errors by status.

use std::collections::BTreeMap;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::errors::{ErrorSpec, Reason as _};
use http::StatusCode;
use prost_reflect::MessageDescriptor;
use serde_json::{Map, Value, json};

use super::error_specs::error_specs;
use super::examples;
use super::schema::{Direction, Schemas};
use crate::problem::{self, PROBLEM_JSON};
use crate::rest::{ETAG_FIELD, JSON_LINES, NEXT_PAGE_TOKEN_FIELD, TOTAL_COUNT_FIELD, success_status};
use crate::routes::Route;

const SERVER_SENT_EVENTS: &str = "text/event-stream";

/// Returns the responses of a route, by status.
pub(super) fn of_route(route: &Route, schemas: &mut Schemas) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<&ErrorSpec>> = BTreeMap::new();
    for spec in error_specs(&route.rpc) {
        by_status.entry(spec.http).or_default().push(spec);
    }
    let errors = by_status
        .into_iter()
        .map(|(status, specs)| (status.to_string(), error(&specs)));
    let mut responses: Map<_, _> = errors.collect();
    let mut success_response = success(route, schemas);
    let is_cached = route.rpc.rest.cache.is_some();
    let is_resource = route
        .rpc
        .descriptor
        .output()
        .get_field_by_name(ETAG_FIELD)
        .is_some();
    if is_cached || is_resource {
        let tag = match (is_cached, is_resource) {
            (true, true) => "Tag of the reply, for `If-None-Match` and `If-Match`.",
            (true, false) => "Tag of the reply, for `If-None-Match`.",
            _ => "Tag of the resource, for `If-Match`.",
        };
        success_response["headers"]["ETag"] = json!({ "description": tag, "schema": { "type": "string" } });
    }
    if is_cached {
        let kept = json!({ "description": "The client has the reply whose tag is in `If-None-Match`." });
        responses.insert("304".to_owned(), kept);
    }
    responses.insert(success_status(route).as_str().to_owned(), success_response);
    responses.insert(
        "default".to_owned(),
        json!({ "$ref": "#/components/responses/Problem" }),
    );
    responses
}

fn success(route: &Route, schemas: &mut Schemas) -> Value {
    if success_status(route) == StatusCode::NO_CONTENT {
        return json!({ "description": "Done." });
    }
    let output = route.rpc.descriptor.output();
    let field = route
        .response_body
        .as_ref()
        .and_then(|name| output.get_field_by_name(name));
    if route.rpc.method.streaming().server {
        return stream(route, schemas);
    }
    let Some(field) = field else {
        let schema = schemas.refer(&output, Direction::Response, &[]);
        let body = of_output(&schema, &output);
        return json!({ "description": "Done.", "content": { "application/json": body } });
    };
    let schema = schemas.field(&field, Direction::Response);
    let body = examples::media_type(&schema, |lang| {
        examples::of_field(&field, Direction::Response, lang)
    });
    let mut response = json!({ "description": "Done.", "content": { "application/json": body } });
    if output.get_field_by_name(NEXT_PAGE_TOKEN_FIELD).is_some() {
        response["headers"] = page_headers();
    }
    if output.get_field_by_name(TOTAL_COUNT_FIELD).is_some() {
        let total = "Number of items that match the filter, on all pages; present if `include_total` is set.";
        response["headers"]["X-Total-Count"] =
            json!({ "description": total, "schema": { "type": "integer", "format": "int64" } });
    }
    response
}

fn stream(route: &Route, schemas: &mut Schemas) -> Value {
    let (rest, output) = (&route.rpc.rest, route.rpc.descriptor.output());
    let schema = schemas.refer(&output, Direction::Response, &[]);
    let events = "Server-sent events: `id` is the cursor, `event` the member that is set, `data` its JSON. A stream that fails ends \
                  with the event `error`, whose data is a problem.";
    let lines = "JSON lines: one message a line. A stream that fails ends with the line `{\"error\": …}`, which has a problem.";
    let formats = [
        (rest.server_sent_events, SERVER_SENT_EVENTS, events),
        (rest.json_lines, JSON_LINES, lines),
    ];
    let (mut texts, mut content) = (Vec::new(), Map::new());
    for (_, media_type, text) in formats.into_iter().filter(|(is_offered, ..)| *is_offered) {
        texts.push(text);
        content.insert(media_type.to_owned(), of_output(&schema, &output));
    }
    json!({ "description": texts.join("\n\n"), "content": content })
}

fn of_output(schema: &Value, output: &MessageDescriptor) -> Value {
    examples::media_type(schema, |lang| {
        examples::of_message(output, Direction::Response, &[], lang)
    })
}

fn page_headers() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "X-Next-Page-Token": { "description": "`page_token` of the next page; absent on the last one.", "schema": text },
        "Link": { "description": "The next page as a link with `rel=\"next\"` (RFC 8288); absent on the last one.", "schema": text },
    })
}

fn error(specs: &[&ErrorSpec]) -> Value {
    let lines = specs
        .iter()
        .map(|spec| format!("- `{}` {}: {}", spec.code, spec.reason, spec.en));
    let codes: Vec<_> = specs.iter().map(|spec| &spec.code).collect();
    json!({
        "description": lines.collect::<Vec<_>>().join("\n"),
        "content": { PROBLEM_JSON: problem(specs.first().copied()) },
        "x-codes": codes,
    })
}

/// Returns the media type of a problem, with this error as its example.
fn problem(spec: Option<&ErrorSpec>) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let spec = spec.unwrap_or_else(|| Common::Internal.spec());
    examples::media_type(&schema, |lang| problem::example(spec, lang))
}

/// Returns the response of all other errors, as a component.
pub(super) fn shared() -> Value {
    json!({ "Problem": { "description": "Any other error.", "content": { PROBLEM_JSON: problem(None) } } })
}

/// Returns the schema of a problem: RFC 9457 with the members of this API.
pub(super) fn problem_schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let field_error = json!({
        "type": "object",
        "required": ["field", "message"],
        "properties": {
            "field": text("Path of the field; empty for the request as a whole."),
            "message": text("Explanation in the language of the client."),
            "rule": text("Name of the violated rule."),
        },
    });
    json!({
        "type": "object",
        "description": "An error (RFC 9457). Clients compare `code`.",
        "required": ["type", "title", "status", "detail", "instance", "code", "reason", "correlation_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "Explanation of the code." },
            "title": text("Short form of the reason."),
            "status": { "type": "integer", "description": "The HTTP status." },
            "detail": text("Text for users in the language of the client."),
            "instance": { "type": "string", "format": "uri-reference", "description": "Path of the request." },
            "code": text("Stable code, such as `BOOKING002`."),
            "reason": text("Name of the code, such as `SLOT_TAKEN`."),
            "errors": { "type": "array", "items": field_error, "description": "Every invalid field." },
            "correlation_id": text("Id of the request in logs."),
            "metadata": { "type": "object", "additionalProperties": { "type": "string" }, "description": "Further data of the error." },
        },
    })
}
